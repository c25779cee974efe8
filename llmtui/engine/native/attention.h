// Attention of rows over the keys and values of a shelf.
#pragma once

// keys_values: [2, places, kv_heads, capacity, dim]: keys, then values; of bfloat16 where `narrow`, else of float32.
struct Shelf {
  void* keys_values;
  bool narrow;
  long places, kv_heads, capacity, dim;
};

// Which of a forward's rows attend over a shelf: of each its number in the forward, its sequence's place, and its end, how
// many positions there are up to it, its own included. Rows of one place lie together, in the order of their positions.
// longest: of the ends. window: how many positions a row sees, 0: all.
struct Rows {
  long count;
  const long* numbers;
  const long* places;
  const long* ends;
  long longest, window;
};

// Writes each row's key and value down and attends: queries: [all rows, heads, dim], keys and values: [all rows, 2,
// kv_heads, dim], with so many floats from row to row; attended: [all rows, heads, dim]. dim is a multiple of 16, at most
// 256. What is narrow is rounded when it is written, sums are not. A row gives the same bits in any company. False: there is no memory.
bool attend(const Shelf& shelf, const Rows& rows, const float* queries, long query_stride, const float* new_rows,
            long new_stride, long heads, float scale, float* attended);
