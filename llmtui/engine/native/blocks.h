// The layers of a transformer, one after the other.
#pragma once

#include "attention.h"
#include "linears.h"

// One of them. qkv: of the rows, after a norm: queries, keys and values, the heads of each side by side. out, down: added
// to the rows. up: what comes between, after a norm. window: how many positions a row sees, 0: all.
struct Block {
  Layer qkv, out, up, down;
  long heads;
  float scale;
  long window;
};

// Rows of a forward that attend over a shelf, and of each block the keys and values that it keeps there.
struct Shelved {
  Shelf shelf;
  Rows rows;
  void* const* keys_values;
};

// cosines and sines of rotary positions, [rows, dim] each, as `rotate` takes them; null: there are none.
struct Turn {
  const float* cos;
  const float* sin;
};

// x: [rows, width], what becomes of it in its place; of the last block's feed-forward part the `kept` rows alone, which
// then stand first. kept: their numbers, rising; null: all. Each row's bits are those of `multiply`, `rotate` and `attend`
// called one by one. False: there is no memory.
bool run_blocks(const Block* blocks, long count, const Shelved* shelves, long shelf_count, Turn turn, float* x, long width,
                long rows, const long* kept, long kept_count);
