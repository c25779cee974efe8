// Products of words of weights with words of rows by AVX-512 and what came after it for bfloat16 and bytes. What each kind
// of weights says is told in `avx2/products.h`, which has the same.
#pragma once

#include <array>

#include "../float32.h"

struct BFloat16 : Float32 {
  using Words = __m512bh;
  static constexpr int inputs = 2, parts = 1;
  static Words take(const void* weights, int) { return (__m512bh)_mm512_load_si512(weights); }
  static Sum add(Sum sum, Words w, int32_t x) { return _mm512_dpbf16_ps(sum, w, (__m512bh)_mm512_set1_epi32(x)); }
  static float pack(const float* x, long count, int32_t* words) {
    for (long i = 0; i < count; i += 16) store_bfloat16((uint16_t*)(words + i / 2), load(x + i, lanes(count - i)));
    return 1;
  }
};

struct Int8 {
  static constexpr bool interleaved = INTERLEAVED;
  using Sum = Integers;
  using Words = Integers;
  static constexpr int inputs = 4, parts = 1;
  static constexpr std::array<int, 4> rows_of = {0, 16, 0, 0};
  // its products take twice as long, which one panel's loads keep up with
  static int together(long) { return 1; }
  static Sum begin(const void* start) { return _mm512_load_si512(start); }
  static Words take(const void* weights, int) { return _mm512_load_si512(weights); }
  // the instruction takes rows without a sign: 128 is added to them, and `start` takes it off again
  static Sum add(Sum sum, Words w, int32_t x) { return _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(x), w); }
  static Floats total(Sum sum) { return _mm512_cvtepi32_ps(sum); }
  static float pack(const float* x, long count, int32_t* words) {
    Integers largest = _mm512_setzero_si512();
    // as integers, magnitudes keep their order and what is no number is above all
    for (long i = 0; i < count; i += 16) {
      const Integers bits = _mm512_castps_si512(load(x + i, lanes(count - i)));
      largest = _mm512_max_epi32(largest, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
    }
    const float most = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(largest))));
    const Floats times = spread(most > 0 ? 127 / most : 0);
    for (long i = 0; i < count; i += 16) {
      const Integers steps = _mm512_cvtps_epi32(load(x + i, lanes(count - i)) * times);
      const Integers above = _mm512_max_epi32(_mm512_add_epi32(steps, _mm512_set1_epi32(128)), _mm512_setzero_si512());
      _mm_storeu_si128((__m128i*)(words + i / 4), _mm512_cvtusepi32_epi8(above));
    }
    return most - most == 0 ? most / 127 : __builtin_nanf("");
  }
};
