// Norms of one row.
#pragma once

#include <immintrin.h>

#include <cmath>

#include "vectors.h"

// The sum of what `part` makes of each vector of a row, and of the lanes of it that are used.
template <class Part>
float sum_over(const float* x, long count, Part part) {
  __m512 sum = _mm512_setzero_ps();
  for (long i = 0; i < count; i += 16) {
    const __mmask16 used = lanes(count - i);
    sum = _mm512_add_ps(sum, _mm512_maskz_mov_ps(used, part(_mm512_maskz_loadu_ps(used, x + i))));
  }
  return _mm512_reduce_add_ps(sum);
}

// Ba et al. 2016: (x - mean) / sqrt(variance + epsilon) * weight + bias.
inline void layer_norm(const float* x, long count, const float* weight, const float* bias, float epsilon, float* y) {
  const __m512 mean = _mm512_set1_ps(sum_over(x, count, [](__m512 v) { return v; }) / count);
  const float variance = sum_over(x, count, [mean](__m512 v) {
    const __m512 d = _mm512_sub_ps(v, mean);
    return _mm512_mul_ps(d, d);
  }) / count;
  const __m512 scale = _mm512_set1_ps(1 / std::sqrt(variance + epsilon));
  for (long i = 0; i < count; i += 16) {
    const __mmask16 used = lanes(count - i);
    const __m512 normed = _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(used, x + i), mean), scale);
    const __m512 added = bias ? _mm512_maskz_loadu_ps(used, bias + i) : _mm512_setzero_ps();
    _mm512_mask_storeu_ps(y + i, used, _mm512_fmadd_ps(normed, _mm512_maskz_loadu_ps(used, weight + i), added));
  }
}

// Zhang and Sennrich 2019: x / sqrt(mean of squares + epsilon) * weight.
inline void rms_norm(const float* x, long count, const float* weight, float epsilon, float* y) {
  const float squares = sum_over(x, count, [](__m512 v) { return _mm512_mul_ps(v, v); }) / count;
  const __m512 scale = _mm512_set1_ps(1 / std::sqrt(squares + epsilon));
  for (long i = 0; i < count; i += 16) {
    const __mmask16 used = lanes(count - i);
    const __m512 normed = _mm512_mul_ps(_mm512_maskz_loadu_ps(used, x + i), scale);
    _mm512_mask_storeu_ps(y + i, used, _mm512_mul_ps(normed, _mm512_maskz_loadu_ps(used, weight + i)));
  }
}
