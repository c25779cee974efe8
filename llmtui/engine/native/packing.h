// Rows of floats as the words that weights are multiplied with.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "linears.h"
#include "norms.h"
#include "vectors.h"

// So many rows at most take their weights from memory once.
constexpr int FEW = 16;

// So many floats hold a row in whole vectors.
inline long row_room(long ins) { return (ins + 15) / 16 * 16; }

// A row as it is multiplied: x itself, or what becomes of it, in `made`.
inline const float* prepare(const Layer& layer, const float* x, float* made) {
  const long ins = layer.ins;
  switch (layer.before) {
    case NOTHING: return x;
    case LAYER_NORM: layer_norm(x, ins, layer.norm_weight, layer.norm_bias, layer.epsilon, made); break;
    case RMS_NORM: rms_norm(x, ins, layer.norm_weight, layer.epsilon, made); break;
    case GATED:
      for (long i = 0; i < ins; i += 16) {
        const Lanes used = lanes(ins - i);
        store(made + i, silu16(load(x + i, used)) * load(x + ins + i, used), used);
      }
  }
  return made;
}

// The words of `Count` rows, `apart` from row to row, become those of each step, side by side.
template <int Count>
void interleave(const int32_t* rows, long apart, long words, int32_t* steps) {
  for (long word = 0; word < words; word++)
    for (int row = 0; row < Count; row++) steps[word * Count + row] = rows[row * apart + word];
}

using Interleave = void (*)(const int32_t*, long, long, int32_t*);

// of 1, 2, ... rows
template <int... Less>
constexpr std::array<Interleave, sizeof...(Less)> interleaves(std::integer_sequence<int, Less...>) {
  return {interleave<Less + 1>...};
}

constexpr auto INTERLEAVES = interleaves(std::make_integer_sequence<int, FEW>{});

// Makes words of the rows of a group. own: room for a row, and for the group's words.
template <class Kind>
void pack_group(const Layer& layer, const float* x, long x_stride, long count, float* own, int32_t* words, long stride,
                float* scales) {
  const bool as_they_are = Kind::inputs == 1 && layer.before == NOTHING, interleaved = Kind::interleaved && count > 1;
  if (as_they_are && interleaved) return INTERLEAVES[count - 1]((const int32_t*)x, x_stride, layer.ins, words);
  int32_t* by_rows = interleaved ? (int32_t*)own + row_room(layer.ins) : words;
  for (long r = 0; r < count; r++)
    scales[r] = Kind::pack(prepare(layer, x + r * x_stride, own), layer.ins, by_rows + r * stride);
  if (interleaved) INTERLEAVES[count - 1](by_rows, stride, stride, words);
}
