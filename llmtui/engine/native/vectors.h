// Sixteen floats at once: what the standard library has for one.
#pragma once

#include <immintrin.h>

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
