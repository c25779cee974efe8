// Sixteen floats at once, or eight doubles: what the standard library has for one.
#pragma once

#include <immintrin.h>

#include <initializer_list>

// The lanes of the last vector that an array of `count` floats reaches into; all of them for an earlier one.
inline __mmask16 lanes(long count) { return count >= 16 ? 0xffff : static_cast<__mmask16>((1u << count) - 1); }

// e^x within 2 units in the last place; 0 below -104, infinity above 89, NaN of NaN.
inline __m512 exp16(__m512 x) {
  // x = n ln 2 + r: ln 2 in two parts, so that r is as exact as x (Cody and Waite 1980)
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)), 8);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  // the polynomial of Cephes' expf (Moshier 1992)
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  const __m512 y = _mm512_scalef_ps(p, n);
  // r of an infinity is no number
  const __m512 low = _mm512_set1_ps(-104.0f), high = _mm512_set1_ps(89.0f);
  const __m512 above = _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, high, _CMP_GT_OQ), _mm512_set1_ps(__builtin_inff()));
  return _mm512_mask_mov_ps(above, _mm512_cmp_ps_mask(x, low, _CMP_LT_OQ), _mm512_setzero_ps());
}

// e^x of x that is not above 0, within 2 units in the last place; 0 below -708.
inline __m512d exp8(__m512d x) {
  const __m512d n = _mm512_roundscale_pd(_mm512_mul_pd(x, _mm512_set1_pd(1.4426950408889634)), 8);
  __m512d r = _mm512_fnmadd_pd(n, _mm512_set1_pd(6.93145751953125e-1), x);
  r = _mm512_fnmadd_pd(n, _mm512_set1_pd(1.42860682030941723212e-6), r);
  // Taylor's series: the last of its terms is below 1e-17 for r within ln 2 / 2
  __m512d p = _mm512_set1_pd(1.0 / 6227020800);
  for (double factorial : {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0})
    p = _mm512_fmadd_pd(p, r, _mm512_set1_pd(1 / factorial));
  const __m512d y = _mm512_scalef_pd(p, n);
  return _mm512_mask_mov_pd(y, _mm512_cmp_pd_mask(x, _mm512_set1_pd(-708.0), _CMP_LT_OQ), _mm512_setzero_pd());
}

// e^((x - highest) / temperature) of the floats that the lanes tell.
inline __m512d share8(const float* x, __mmask8 used, double highest, double temperature) {
  const __m512d below = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_maskz_loadu_ps(used, x)), _mm512_set1_pd(highest));
  return exp8(_mm512_div_pd(below, _mm512_set1_pd(temperature)));
}

// Of all of them, with room for seven more.
inline void shares_of(const float* x, long count, double highest, double temperature, double* shares) {
  for (long i = 0; i < count; i += 8)
    _mm512_storeu_pd(shares + i, share8(x + i, static_cast<__mmask8>(lanes(count - i)), highest, temperature));
}

// Their sum.
inline double sum_of_shares(const float* x, long count, double highest, double temperature) {
  __m512d sum = _mm512_setzero_pd();
  for (long i = 0; i < count; i += 8) {
    const __mmask8 used = static_cast<__mmask8>(lanes(count - i));
    sum = _mm512_mask_add_pd(sum, used, sum, share8(x + i, used, highest, temperature));
  }
  return _mm512_reduce_add_pd(sum);
}

// GELU by its tanh approximation (Hendrycks and Gimpel 2016): 0.5 x (1 + tanh z) = x / (1 + e^-2z).
inline __m512 gelu16(__m512 x) {
  const __m512 cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
  const __m512 z = _mm512_fmadd_ps(cube, _mm512_set1_ps(0.044715f), x);
  const __m512 e = exp16(_mm512_mul_ps(z, _mm512_set1_ps(-2 * 0.7978845608028654f)));
  return _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1.0f)));
}

// SiLU: x / (1 + e^-x).
inline __m512 silu16(__m512 x) {
  const __m512 e = exp16(_mm512_sub_ps(_mm512_setzero_ps(), x));
  return _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1.0f)));
}
