// Norms of one row.
#pragma once

#include <cmath>

#include "vectors.h"

// The sum of what `part` makes of each vector of a row, and of the lanes of it that are used.
template <class Part>
float sum_over(const float* x, long count, Part part) {
  Floats sum = spread(0.0f);
  for (long i = 0; i < count; i += 16) {
    const Lanes used = lanes(count - i);
    sum += only(part(load(x + i, used)), used);
  }
  return sum_of(sum);
}

// Ba et al. 2016: (x - mean) / sqrt(variance + epsilon) * weight + bias.
inline void layer_norm(const float* x, long count, const float* weight, const float* bias, float epsilon, float* y) {
  const Floats mean = spread(sum_over(x, count, [](Floats v) { return v; }) / count);
  const float variance = sum_over(x, count, [mean](Floats v) { return (v - mean) * (v - mean); }) / count;
  const Floats scale = spread(1 / std::sqrt(variance + epsilon));
  for (long i = 0; i < count; i += 16) {
    const Lanes used = lanes(count - i);
    const Floats normed = (load(x + i, used) - mean) * scale;
    const Floats added = bias ? load(bias + i, used) : spread(0.0f);
    store(y + i, fmadd(normed, load(weight + i, used), added), used);
  }
}

// Zhang and Sennrich 2019: x / sqrt(mean of squares + epsilon) * weight.
inline void rms_norm(const float* x, long count, const float* weight, float epsilon, float* y) {
  const float squares = sum_over(x, count, [](Floats v) { return v * v; }) / count;
  const Floats scale = spread(1 / std::sqrt(squares + epsilon));
  for (long i = 0; i < count; i += 16) {
    const Lanes used = lanes(count - i);
    store(y + i, load(x + i, used) * scale * load(weight + i, used), used);
  }
}
