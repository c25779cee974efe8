// Products of weights in float32, as `products.h` says it of all kinds.
#pragma once

#include "tiles.h"
#include "vectors.h"

struct Float32 {
  static constexpr bool interleaved = INTERLEAVED;
  using Sum = Floats;
  using Words = Floats;
  static constexpr int inputs = 1, parts = 1;
  static constexpr auto rows_of = ROWS_OF;
  static int together(long rows) { return panels_together(rows); }
  static Sum begin(const void* start) { return start ? load((const float*)start) : spread(0.0f); }
  static Words take(const void* weights, int) { return load((const float*)weights); }
  static Sum add(Sum sum, Words w, int32_t x) { return fmadd(w, spread(float_of(x)), sum); }
  static Floats total(Sum sum) { return sum; }
  static float pack(const float* x, long count, int32_t* words) {
    for (long i = 0; i < count; i += 16) store((float*)words + i, load(x + i, lanes(count - i)));
    return 1;
  }
};
