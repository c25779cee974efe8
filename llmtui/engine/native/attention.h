// Attention of rows that decode, one of each sequence, over the keys and values of a shelf.
#pragma once

// keys_values: [2, places, kv_heads, capacity, dim]: keys, then values.
// row_places, ends: of each row its sequence's place and the number of its positions, the row's own included.
// window: how many positions a row sees, 0: all.
struct Shelf {
  float* keys_values;
  long places, kv_heads, capacity, dim;
  const long* row_places;
  const long* ends;
  long longest;  // of the ends
  long window;
};

// Writes each row's key and value down and attends: queries: [rows, heads, dim], new_rows: [rows, 2, kv_heads, dim],
// with so many floats from row to row; attended: [rows, heads, dim]. dim is a multiple of 16, at most 256.
// A row gives the same bits in any company. False: there is no memory.
bool attend(const Shelf& shelf, const float* queries, long query_stride, const float* new_rows, long new_stride, long rows,
            long heads, float scale, float* attended);
