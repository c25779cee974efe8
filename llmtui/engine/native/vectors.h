// What the standard library has for one float or double, of sixteen floats or eight doubles at once.
#pragma once

#include <initializer_list>

// of the folder of the instructions that this is built for
#include "lanes.h"

// e^x within 2 units in the last place; 0 below -104, infinity above 89, NaN of NaN.
inline Floats exp16(Floats x) {
  // x = n ln 2 + r: ln 2 in two parts, so that r is as exact as x (Cody and Waite 1980)
  const Floats n = whole(x * spread(1.44269504088896341f));
  Floats r = fnmadd(n, spread(0.693359375f), x);
  r = fnmadd(n, spread(-2.12194440e-4f), r);
  // the polynomial of Cephes' expf (Moshier 1992)
  Floats p = spread(1.9875691500e-4f);
  p = fmadd(p, r, spread(1.3981999507e-3f));
  p = fmadd(p, r, spread(8.3334519073e-3f));
  p = fmadd(p, r, spread(4.1665795894e-2f));
  p = fmadd(p, r, spread(1.6666665459e-1f));
  p = fmadd(p, r, spread(5.0000001201e-1f));
  p = fmadd(p, r * r, r + spread(1.0f));
  // r of an infinity is no number
  const Floats bounded = select(less(spread(89.0f), x), spread(__builtin_inff()), scaled(p, n));
  return select(less(x, spread(-104.0f)), spread(0.0f), bounded);
}

// e^x of x that is not above 0, within 2 units in the last place; 0 below -708.
inline Doubles exp8(Doubles x) {
  const Doubles n = whole(x * spread_double(1.4426950408889634));
  Doubles r = fnmadd(n, spread_double(6.93145751953125e-1), x);
  r = fnmadd(n, spread_double(1.42860682030941723212e-6), r);
  // Taylor's series: the last of its terms is below 1e-17 for r within ln 2 / 2
  Doubles p = spread_double(1.0 / 6227020800);
  for (double factorial : {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0})
    p = fmadd(p, r, spread_double(1 / factorial));
  return zero_below(scaled(p, n), x, -708.0);
}

// e^((x - highest) / temperature) of the floats that the lanes tell.
inline Doubles share8(const float* x, Eight used, double highest, double temperature) {
  return exp8((load_doubles(x, used) - spread_double(highest)) / spread_double(temperature));
}

// Of all of them, with room for seven more.
inline void shares_of(const float* x, long count, double highest, double temperature, double* shares) {
  for (long i = 0; i < count; i += 8) store(shares + i, share8(x + i, eight(count - i), highest, temperature));
}

// Their sum.
inline double sum_of_shares(const float* x, long count, double highest, double temperature) {
  Doubles sum = no_doubles();
  for (long i = 0; i < count; i += 8) {
    const Eight used = eight(count - i);
    sum += only(share8(x + i, used, highest, temperature), used);
  }
  return sum_of(sum);
}

// GELU by its tanh approximation (Hendrycks and Gimpel 2016): 0.5 x (1 + tanh z) = x / (1 + e^-2z).
inline Floats gelu16(Floats x) {
  const Floats z = fmadd(x * x * x, spread(0.044715f), x);
  return x / (exp16(z * spread(-2 * 0.7978845608028654f)) + spread(1.0f));
}

// SiLU: x / (1 + e^-x).
inline Floats silu16(Floats x) { return x / (exp16(spread(0.0f) - x) + spread(1.0f)); }
