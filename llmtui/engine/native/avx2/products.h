// Products of words of weights with words of rows by AVX2 and FMA, of each kind of weights:
//
// Sum, Words        sixteen outputs' sums so far, and the words of their weights, as they stay in registers
// inputs, parts     how many inputs a word of weights is for, and how many words of a row, taken one after the other
// interleaved       whether the words of rows lie side by side
// rows_of           of one, two, three panels together: how many rows' sums stay in registers
// together          how many panels to take together for so many rows
// begin, take       sums as they begin, and a part of the words of a panel
// add               sums with the products of words and a word of a row
// total             of sums
// pack              makes words of a row of `count`, with room for sixteen more, and returns its scale
#pragma once

#include <array>

#include "../float32.h"

// A bfloat16 is the upper half of a float: of a word, the second is there, and the first is moved up.
struct BFloat16 : Float32 {
  static constexpr int inputs = 2, parts = 2;
  static Words take(const void* weights, int part) {
    const __m256i low = _mm256_load_si256((const __m256i*)weights), high = _mm256_load_si256((const __m256i*)weights + 1);
    const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    if (part == 0) return {_mm256_castsi256_ps(_mm256_slli_epi32(low, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(high, 16))};
    return {_mm256_castsi256_ps(_mm256_and_si256(low, upper)), _mm256_castsi256_ps(_mm256_and_si256(high, upper))};
  }
  // in place: the compiler would move sums from register to register, and some to memory
  static Sum add(Sum sum, Words w, int32_t x) {
    const __m256 word = _mm256_set1_ps(float_of(x));
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum.low) : "x"(w.low), "x"(word));
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum.high) : "x"(w.high), "x"(word));
    return sum;
  }
  // rounded, and a float again
  static float pack(const float* x, long count, int32_t* words) {
    for (long i = 0; i < count; i += 16) {
      uint16_t rounded[16];
      store_bfloat16(rounded, load(x + i, lanes(count - i)));
      store((float*)words + i, load_bfloat16(rounded));
    }
    return 1;
  }
};

// The instruction takes its first bytes without a sign and adds pairs of products up in 16 bits, which hold those of
// magnitudes up to 127: so weights give it to rows.
struct Int8 {
  static constexpr bool interleaved = INTERLEAVED;
  using Sum = Integers;
  struct Words {
    Integers weights, magnitudes;
  };
  static constexpr int inputs = 4, parts = 1;
  static constexpr std::array<int, 4> rows_of = {0, 4, 0, 0};
  static int together(long) { return 1; }
  static Sum begin(const void*) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Words take(const void* weights, int) {
    const __m256i low = _mm256_load_si256((const __m256i*)weights), high = _mm256_load_si256((const __m256i*)weights + 1);
    return {{low, high}, {_mm256_abs_epi8(low), _mm256_abs_epi8(high)}};
  }
  static __m256i add(__m256i sum, __m256i weights, __m256i magnitudes, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(x, weights));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static Sum add(Sum sum, Words w, int32_t x) {
    const __m256i word = _mm256_set1_epi32(x);
    return {add(sum.low, w.weights.low, w.magnitudes.low, word), add(sum.high, w.weights.high, w.magnitudes.high, word)};
  }
  static Floats total(Sum sum) { return {_mm256_cvtepi32_ps(sum.low), _mm256_cvtepi32_ps(sum.high)}; }
  // Symmetric: the largest magnitude becomes 127. Returns the row's scale; no number if a value is none or infinite.
  static float pack(const float* x, long count, int32_t* words) {
    __m256i largest = _mm256_setzero_si256();
    // as integers, magnitudes keep their order and what is no number is above all
    for (long i = 0; i < count; i += 8) {
      const __m256i bits = _mm256_castps_si256(_mm256_maskload_ps(x + i, eight(count - i)));
      largest = _mm256_max_epi32(largest, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
    }
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    const float most = _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1))));
    const Floats times = spread(most > 0 ? 127 / most : 0);
    for (long i = 0; i < count; i += 16) {
      const Floats steps = load(x + i, lanes(count - i)) * times;
      const __m256i pairs = _mm256_packs_epi32(_mm256_cvtps_epi32(steps.low), _mm256_cvtps_epi32(steps.high));
      const __m256i ordered = _mm256_permute4x64_epi64(pairs, 0xd8);
      const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
      _mm_storeu_si128((__m128i*)(words + i / 4), bytes);
    }
    return most - most == 0 ? most / 127 : __builtin_nanf("");
  }
};
