// Sixteen floats, sixteen whole numbers or eight doubles at once, by AVX-512. `avx2/lanes.h` has the same with the same bits.
#pragma once

#include <immintrin.h>

#include <cstdint>

using Floats = __m512;
using Integers = __m512i;  // of 32 bits
using Doubles = __m512d;   // of 8
// Some of the sixteen, of the eight.
using Lanes = __mmask16;
using Eight = __mmask8;

// The lanes of the last vector that an array of `count` floats reaches into; all of them for an earlier one.
inline Lanes lanes(long count) { return count >= 16 ? 0xffff : static_cast<Lanes>((1u << count) - 1); }
inline Eight eight(long count) { return count >= 8 ? 0xff : static_cast<Eight>((1u << count) - 1); }
inline int count_of(Lanes some) { return __builtin_popcount(some); }
inline Lanes both(Lanes a, Lanes b) { return a & b; }
inline Lanes without(Lanes some, Lanes others) { return some & ~others; }

inline Floats spread(float x) { return _mm512_set1_ps(x); }
inline float float_of(int32_t bits) { return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits))); }
inline Floats load(const float* x) { return _mm512_loadu_ps(x); }
// The others are zero, or as given, and not read.
inline Floats load(const float* x, Lanes some) { return _mm512_maskz_loadu_ps(some, x); }
inline Floats load(const float* x, Lanes some, Floats others) { return _mm512_mask_loadu_ps(others, some, x); }
inline void store(float* y, Floats x) { _mm512_storeu_ps(y, x); }
inline void store(float* y, Floats x, Lanes some) { _mm512_mask_storeu_ps(y, some, x); }
inline Floats only(Floats x, Lanes some) { return _mm512_maskz_mov_ps(some, x); }
inline Floats select(Lanes some, Floats x, Floats others) { return _mm512_mask_mov_ps(others, some, x); }

// a b + c and c - a b, rounded once.
inline Floats fmadd(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats fnmadd(Floats a, Floats b, Floats c) { return _mm512_fnmadd_ps(a, b, c); }
// Of two that are not both numbers, the second.
inline Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats whole(Floats x) { return _mm512_roundscale_ps(x, 8); }
// x 2^n, rounded once, for whole n from -150 to 128.
inline Floats scaled(Floats x, Floats n) { return _mm512_scalef_ps(x, n); }
inline Lanes less(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
inline Lanes equal(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
inline Lanes at_least(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
inline float sum_of(Floats x) { return _mm512_reduce_add_ps(x); }
inline __m128 four_of(Floats x) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
// The sums of four, each as `sum_of` makes it.
inline __m128 sums_of(Floats a, Floats b, Floats c, Floats d) {
  const __m128 w = four_of(a), x = four_of(b), y = four_of(c), z = four_of(d);
  const __m128 first = _mm_add_ps(_mm_movelh_ps(w, x), _mm_movehl_ps(x, w));
  const __m128 second = _mm_add_ps(_mm_movelh_ps(y, z), _mm_movehl_ps(z, y));
  return _mm_add_ps(_mm_shuffle_ps(first, second, 0x88), _mm_shuffle_ps(first, second, 0xdd));
}
inline float largest_of(Floats x) { return _mm512_reduce_max_ps(x); }
inline double sum_in_double(Floats x) {
  return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(x)),
                                            _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))));
}

// Of bfloat16; rounded to it.
inline Floats load_bfloat16(const uint16_t* x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)x)), 16));
}
inline void store_bfloat16(uint16_t* y, Floats x) { _mm256_storeu_si256((__m256i*)y, (__m256i)_mm512_cvtneps_pbh(x)); }

inline Doubles spread_double(double x) { return _mm512_set1_pd(x); }
inline Doubles no_doubles() { return _mm512_setzero_pd(); }
inline Doubles load_doubles(const float* x, Eight some) { return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(some, x)); }
inline void store(double* y, Doubles x) { _mm512_storeu_pd(y, x); }
inline Doubles only(Doubles x, Eight some) { return _mm512_maskz_mov_pd(some, x); }
inline Doubles fmadd(Doubles a, Doubles b, Doubles c) { return _mm512_fmadd_pd(a, b, c); }
inline Doubles fnmadd(Doubles a, Doubles b, Doubles c) { return _mm512_fnmadd_pd(a, b, c); }
inline Doubles whole(Doubles x) { return _mm512_roundscale_pd(x, 8); }
// x 2^n for whole n from -1022 to 0.
inline Doubles scaled(Doubles x, Doubles n) { return _mm512_scalef_pd(x, n); }
// The values, but zero where x is below `low`.
inline Doubles zero_below(Doubles value, Doubles x, double low) {
  return _mm512_mask_mov_pd(value, _mm512_cmp_pd_mask(x, _mm512_set1_pd(low), _CMP_LT_OQ), _mm512_setzero_pd());
}
inline double sum_of(Doubles x) { return _mm512_reduce_add_pd(x); }

// Floats as whole numbers in their order, both zeros as one: what `rising` of `order.h` makes of each.
inline Integers rising(Floats x) {
  const __m512i bits = _mm512_castps_si512(_mm512_add_ps(x, _mm512_setzero_ps()));
  return _mm512_xor_si512(bits, _mm512_or_si512(_mm512_srai_epi32(bits, 31), _mm512_set1_epi32(static_cast<int>(0x80000000u))));
}
// How many reach `least`, without signs.
inline int count_from(Integers x, uint32_t least) {
  return __builtin_popcount(_mm512_cmpge_epu32_mask(x, _mm512_set1_epi32(static_cast<int>(least))));
}
// How many of eight are below `limit`. numbers: on a border of 64 bytes.
inline int count_below(const uint64_t* numbers, uint64_t limit) {
  return __builtin_popcount(
      _mm512_cmplt_epu64_mask(_mm512_load_si512(numbers), _mm512_set1_epi64(static_cast<long long>(limit))));
}
// The numbers of the lanes, the first being `first`, side by side; there is room for all sixteen.
inline void write_places(int* places, Lanes some, int first) {
  const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(some, _mm512_add_epi32(steps, _mm512_set1_epi32(first))));
}
