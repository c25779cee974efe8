// Sixteen floats, sixteen whole numbers or eight doubles at once, by AVX2 and FMA: what `avx512/lanes.h` has, with the same bits.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

struct Floats {
  __m256 low, high;
};
// of 32 bits
struct Integers {
  __m256i low, high;
};
// of 8
struct Doubles {
  __m256d low, high;
};
// Some of the sixteen, of the eight: all bits of a lane or none.
struct Lanes {
  __m256i low, high;
};
using Eight = __m256i;

inline Floats operator+(Floats a, Floats b) { return {a.low + b.low, a.high + b.high}; }
inline Floats operator-(Floats a, Floats b) { return {a.low - b.low, a.high - b.high}; }
inline Floats operator*(Floats a, Floats b) { return {a.low * b.low, a.high * b.high}; }
inline Floats operator/(Floats a, Floats b) { return {a.low / b.low, a.high / b.high}; }
inline Floats& operator+=(Floats& a, Floats b) { return a = a + b; }
inline Doubles operator+(Doubles a, Doubles b) { return {a.low + b.low, a.high + b.high}; }
inline Doubles operator-(Doubles a, Doubles b) { return {a.low - b.low, a.high - b.high}; }
inline Doubles operator*(Doubles a, Doubles b) { return {a.low * b.low, a.high * b.high}; }
inline Doubles operator/(Doubles a, Doubles b) { return {a.low / b.low, a.high / b.high}; }
inline Doubles& operator+=(Doubles& a, Doubles b) { return a = a + b; }

// The lanes of the last vector that an array of `count` floats reaches into; all of them for an earlier one.
inline Eight eight(long count) {
  const int used = count >= 8 ? 8 : count > 0 ? static_cast<int>(count) : 0;
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(used), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Lanes lanes(long count) { return {eight(count), eight(count - 8)}; }
inline int bits_of(__m256i some) { return _mm256_movemask_ps(_mm256_castsi256_ps(some)); }
inline int count_of(Lanes some) { return __builtin_popcount(bits_of(some.low) | bits_of(some.high) << 8); }
inline Lanes both(Lanes a, Lanes b) { return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)}; }
inline Lanes without(Lanes some, Lanes others) {
  return {_mm256_andnot_si256(others.low, some.low), _mm256_andnot_si256(others.high, some.high)};
}

inline Floats spread(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline float float_of(int32_t bits) { return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits))); }
inline Floats load(const float* x) { return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)}; }
// The others are zero, or as given, and not read.
inline Floats load(const float* x, Lanes some) {
  return {_mm256_maskload_ps(x, some.low), _mm256_maskload_ps(x + 8, some.high)};
}
inline __m256 select(__m256i some, __m256 x, __m256 others) {
  return _mm256_blendv_ps(others, x, _mm256_castsi256_ps(some));
}
inline Floats select(Lanes some, Floats x, Floats others) {
  return {select(some.low, x.low, others.low), select(some.high, x.high, others.high)};
}
inline Floats load(const float* x, Lanes some, Floats others) { return select(some, load(x, some), others); }
inline void store(float* y, Floats x) {
  _mm256_storeu_ps(y, x.low);
  _mm256_storeu_ps(y + 8, x.high);
}
// A store of some lanes takes AMD's processors a dozen cycles: where an array does not end, it is one of all.
inline void store(float* y, Floats x, Lanes some) {
  if (bits_of(_mm256_and_si256(some.low, some.high)) == 0xff) return store(y, x);
  _mm256_maskstore_ps(y, some.low, x.low);
  _mm256_maskstore_ps(y + 8, some.high, x.high);
}
inline Floats only(Floats x, Lanes some) {
  return {_mm256_and_ps(x.low, _mm256_castsi256_ps(some.low)), _mm256_and_ps(x.high, _mm256_castsi256_ps(some.high))};
}

// a b + c and c - a b, rounded once.
inline Floats fmadd(Floats a, Floats b, Floats c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline Floats fnmadd(Floats a, Floats b, Floats c) {
  return {_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high)};
}
// Of two that are not both numbers, the second.
inline Floats larger(Floats a, Floats b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
inline Floats whole(Floats x) { return {_mm256_round_ps(x.low, 8), _mm256_round_ps(x.high, 8)}; }
// x 2^n, rounded once, for whole n from -150 to 128: in two steps, since 2^n itself may be no float.
inline __m256 scaled(__m256 x, __m256 n) {
  const __m256i all = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(all, 1), rest = _mm256_sub_epi32(all, half);
  const __m256i one = _mm256_set1_epi32(127);
  x = _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, one), 23)));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, one), 23)));
}
inline Floats scaled(Floats x, Floats n) { return {scaled(x.low, n.low), scaled(x.high, n.high)}; }
template <int Comparison>
Lanes compare(Floats a, Floats b) {
  return {_mm256_castps_si256(_mm256_cmp_ps(a.low, b.low, Comparison)),
          _mm256_castps_si256(_mm256_cmp_ps(a.high, b.high, Comparison))};
}
inline Lanes less(Floats a, Floats b) { return compare<_CMP_LT_OQ>(a, b); }
inline Lanes equal(Floats a, Floats b) { return compare<_CMP_EQ_OQ>(a, b); }
inline Lanes at_least(Floats a, Floats b) { return compare<_CMP_GE_OQ>(a, b); }
inline __m128 four_of(Floats x) {
  const __m256 eight = _mm256_add_ps(x.low, x.high);
  return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
inline float sum_of(Floats x) {
  const __m128 four = four_of(x);
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
// The sums of four, each as `sum_of` makes it.
inline __m128 sums_of(Floats a, Floats b, Floats c, Floats d) {
  const __m128 w = four_of(a), x = four_of(b), y = four_of(c), z = four_of(d);
  const __m128 first = _mm_add_ps(_mm_movelh_ps(w, x), _mm_movehl_ps(x, w));
  const __m128 second = _mm_add_ps(_mm_movelh_ps(y, z), _mm_movehl_ps(z, y));
  return _mm_add_ps(_mm_shuffle_ps(first, second, 0x88), _mm_shuffle_ps(first, second, 0xdd));
}
inline float largest_of(Floats x) {
  const __m256 eight = _mm256_max_ps(x.low, x.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline Doubles widened(__m256 x) {
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(x)), _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))};
}
inline double sum_of(Doubles x) {
  const __m256d four = _mm256_add_pd(x.low, x.high);
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
inline double sum_in_double(Floats x) { return sum_of(widened(x.low) + widened(x.high)); }

// Of bfloat16; rounded to it, of equally near ones to the even one.
inline __m256 from_bfloat16(const uint16_t* x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)x)), 16));
}
inline Floats load_bfloat16(const uint16_t* x) { return {from_bfloat16(x), from_bfloat16(x + 8)}; }
inline __m256i bits_of_bfloat16(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7fff));
  // what is no number must not be rounded to an infinity
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i none = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, none), 16);
}
inline void store_bfloat16(uint16_t* y, Floats x) {
  const __m256i mixed = _mm256_packus_epi32(bits_of_bfloat16(x.low), bits_of_bfloat16(x.high));
  _mm256_storeu_si256((__m256i*)y, _mm256_permute4x64_epi64(mixed, 0xd8));
}

inline Doubles spread_double(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
inline Doubles no_doubles() { return spread_double(0); }
inline Doubles load_doubles(const float* x, Eight some) { return widened(_mm256_maskload_ps(x, some)); }
inline void store(double* y, Doubles x) {
  _mm256_storeu_pd(y, x.low);
  _mm256_storeu_pd(y + 4, x.high);
}
inline Doubles only(Doubles x, Eight some) {
  const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(some));
  const __m256i high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(some, 1));
  return {_mm256_and_pd(x.low, _mm256_castsi256_pd(low)), _mm256_and_pd(x.high, _mm256_castsi256_pd(high))};
}
inline Doubles fmadd(Doubles a, Doubles b, Doubles c) {
  return {_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
}
inline Doubles fnmadd(Doubles a, Doubles b, Doubles c) {
  return {_mm256_fnmadd_pd(a.low, b.low, c.low), _mm256_fnmadd_pd(a.high, b.high, c.high)};
}
inline Doubles whole(Doubles x) { return {_mm256_round_pd(x.low, 8), _mm256_round_pd(x.high, 8)}; }
// x 2^n for whole n from -1022 to 0.
inline __m256d scaled(__m256d x, __m256d n) {
  // beside so large a number, the last bits of a sum are n + 1023: the exponent's
  const __m256d exponent = _mm256_add_pd(n, _mm256_set1_pd(0x1.8p52 + 1023));
  return _mm256_mul_pd(x, _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(exponent), 52)));
}
inline Doubles scaled(Doubles x, Doubles n) { return {scaled(x.low, n.low), scaled(x.high, n.high)}; }
// The values, but zero where x is below `low`.
inline __m256d zero_below(__m256d value, __m256d x, double low) {
  return _mm256_andnot_pd(_mm256_cmp_pd(x, _mm256_set1_pd(low), _CMP_LT_OQ), value);
}
inline Doubles zero_below(Doubles value, Doubles x, double low) {
  return {zero_below(value.low, x.low, low), zero_below(value.high, x.high, low)};
}

// Floats as whole numbers in their order, both zeros as one: what `rising` of `order.h` makes of each.
inline __m256i rising(__m256 x) {
  const __m256i bits = _mm256_castps_si256(_mm256_add_ps(x, _mm256_setzero_ps()));
  const __m256i sign = _mm256_set1_epi32(static_cast<int>(0x80000000u));
  return _mm256_xor_si256(bits, _mm256_or_si256(_mm256_srai_epi32(bits, 31), sign));
}
inline Integers rising(Floats x) { return {rising(x.low), rising(x.high)}; }
// How many reach `least`, without signs.
inline int count_from(Integers x, uint32_t least) {
  const __m256i limit = _mm256_set1_epi32(static_cast<int>(least));
  return count_of({_mm256_cmpeq_epi32(_mm256_max_epu32(x.low, limit), x.low),
                   _mm256_cmpeq_epi32(_mm256_max_epu32(x.high, limit), x.high)});
}
// How many of eight are below `limit`. numbers: on a border of 64 bytes.
inline int count_below(const uint64_t* numbers, uint64_t limit) {
  const __m256i sign = _mm256_set1_epi64x(static_cast<long long>(uint64_t{1} << 63));
  const __m256i own = _mm256_xor_si256(_mm256_set1_epi64x(static_cast<long long>(limit)), sign);
  auto below = [=](const uint64_t* four) {
    const __m256i x = _mm256_xor_si256(_mm256_load_si256((const __m256i*)four), sign);
    return _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(own, x)));
  };
  return __builtin_popcount(below(numbers) | below(numbers + 4) << 4);
}

// Of each choice of eight lanes: their numbers, side by side.
constexpr std::array<std::array<uint8_t, 8>, 256> numbers_of_lanes() {
  std::array<std::array<uint8_t, 8>, 256> all{};
  for (unsigned some = 0; some < 256; some++)
    for (uint8_t lane = 0, count = 0; lane < 8; lane++)
      if (some >> lane & 1) all[some][count++] = lane;
  return all;
}
inline constexpr auto NUMBERS_OF_LANES = numbers_of_lanes();

// The numbers of the lanes, the first being `first`, side by side; there is room for all sixteen.
inline void write_places(int* places, Lanes some, int first) {
  const int low = bits_of(some.low);
  auto write = [&](int* to, int bits, int begin) {
    const __m256i own = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)NUMBERS_OF_LANES[bits].data()));
    _mm256_storeu_si256((__m256i*)to, _mm256_add_epi32(own, _mm256_set1_epi32(begin)));
  };
  write(places, low, first);
  write(places + __builtin_popcount(low), bits_of(some.high), first + 8);
}
