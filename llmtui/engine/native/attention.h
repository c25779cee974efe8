// Attention of rows over the keys and values of a shelf.
#pragma once

// keys_values: [2, places, kv_heads, capacity, dim]: keys, then values; of bfloat16 where `narrow`, else of float32.
struct Shelf {
  void* keys_values;
  bool narrow;
  long places, kv_heads, capacity, dim;
};

// What a row sees after the positions of its sequence: `count` more, its own the last. They lie from `first` on among the
// `places` of each head of keys. keys_values: of each layer, [2, kv_heads, places, dim], in the shelf's type.
struct Tail {
  void* const* keys_values;
  long places, first, count;
};

// Which of a forward's rows attend over a shelf: of each its number in the forward, its sequence's place, and its end, how
// many positions of the sequence it sees, its own included unless it has a tail. Rows of one place lie together.
// tails: of each row, null: none has one. longest: of the ends, each with its tail. window: how many positions a row sees,
// 0: all. layer: whose tails are meant.
struct Rows {
  long count;
  const long* numbers;
  const long* places;
  const long* ends;
  const Tail* tails;
  long longest, window, layer;
};

// Writes each row's key and value down and attends: queries: [all rows, heads, dim], keys and values: [all rows, 2,
// kv_heads, dim], with so many floats from row to row; attended: [all rows, heads, dim]. dim is a multiple of 16, at most
// 256. What is narrow is rounded when it is written, sums are not. A row gives the same bits in any company. False: there is no memory.
bool attend(const Shelf& shelf, const Rows& rows, const float* queries, long query_stride, const float* new_rows,
            long new_stride, long heads, float scale, float* attended);
