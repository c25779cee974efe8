#include "blocks.h"

#include <algorithm>

#include "memory.h"

namespace {

// Keys and values are written, and what each row attends to.
bool attend_all(const Block& block, long number, const Shelved* shelves, long shelf_count, Turn turn, float* joined,
                long rows, float* attended) {
  const long dim = shelves[0].shelf.dim, queries = block.heads * dim, stride = block.qkv.outs;
  if (turn.cos) rotate(joined, stride, rows, block.heads + shelves[0].shelf.kv_heads, dim, turn.cos, turn.sin);
  for (long n = 0; n < shelf_count; n++) {
    Shelf shelf = shelves[n].shelf;
    shelf.keys_values = shelves[n].keys_values[number];
    Rows own = shelves[n].rows;
    own.window = block.window;
    own.layer = number;
    if (!attend(shelf, own, joined, stride, joined + queries, stride, block.heads, block.scale, attended)) return false;
  }
  return true;
}

// The kept ones of rows, at the front.
void keep(float* x, long width, const long* kept, long kept_count) {
  for (long n = 0; n < kept_count; n++)
    if (kept[n] != n) std::copy(x + kept[n] * width, x + (kept[n] + 1) * width, x + n * width);
}

}  // namespace

bool run_blocks(const Block* blocks, long count, const Shelved* shelves, long shelf_count, Turn turn, float* x, long width,
                long rows, const long* kept, long kept_count) {
  long joined_room = 0, attended_room = 0, between_room = 0;
  for (long n = 0; n < count; n++) {
    joined_room = std::max(joined_room, blocks[n].qkv.outs);
    attended_room = std::max(attended_room, blocks[n].out.ins);
    between_room = std::max(between_room, blocks[n].up.outs);
  }
  float* joined = scratch<Blocks>(rows * (joined_room + attended_room + between_room));
  if (!joined) return false;
  float* attended = joined + rows * joined_room;
  float* between = attended + rows * attended_room;
  for (long n = 0; n < count; n++) {
    const Block& block = blocks[n];
    if (!multiply(block.qkv, x, width, rows, joined)) return false;
    if (!attend_all(block, n, shelves, shelf_count, turn, joined, rows, attended)) return false;
    if (n + 1 == count && kept) {
      keep(x, width, kept, kept_count);
      keep(attended, block.out.ins, kept, kept_count);
      rows = kept_count;
    }
    if (!multiply(block.out, attended, block.out.ins, rows, x)) return false;
    if (!multiply(block.up, x, width, rows, between)) return false;
    if (!multiply(block.down, between, block.up.outs, rows, x)) return false;
  }
  return true;
}
