#include "facts.h"

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "memory.h"
#include "order.h"
#include "vectors.h"

namespace {

// A row in lines of so many logits has one column for each of them: the n-th largest of the columns' largest is reached
// by at least n logits, and by few more.
constexpr long COLUMNS = 512;
// As float32 no more terms than these are added: a sum of 100,000 would lose its last digits.
constexpr long AT_ONCE = 64 * 16;

float highest_of_columns(const float* row, long vocab, float* columns) {
  const long used = std::min(vocab, COLUMNS);
  std::copy(row, row + used, columns);
  std::fill(columns + used, columns + COLUMNS, -__builtin_inff());
  for (long line = COLUMNS; line < vocab; line += COLUMNS)
    for (long i = 0; i < COLUMNS && line + i < vocab; i += 16) {
      const Floats known = load(columns + i);
      // what is no number stays none: the sums tell
      store(columns + i, larger(known, load(row + line + i, lanes(vocab - line - i), known)));
    }
  Floats highest = load(columns);
  for (long i = 16; i < COLUMNS; i += 16) highest = larger(highest, load(columns + i));
  return largest_of(highest);
}

Facts sums_below(const float* row, long vocab, float highest) {
  Facts facts{highest, 0, 0, 0};
  const Floats never = spread(-__builtin_inff());
  for (long begin = 0; begin < vocab; begin += AT_ONCE) {
    Floats total = spread(0.0f), products = spread(0.0f);
    for (long i = begin; i < std::min(vocab, begin + AT_ONCE); i += 16) {
      const Lanes used = lanes(vocab - i);
      const Floats logits = load(row + i, used, never);
      const Lanes impossible = equal(logits, never);
      const Floats below = logits - spread(highest);
      const Floats shares = exp16(below);
      total += shares;
      // a share of 0 adds nothing, and 0 times minus infinity would be no number
      products = select(impossible, products, fmadd(shares, below, products));
      facts.impossible += count_of(both(impossible, used));
    }
    facts.total += sum_in_double(total);
    facts.products += sum_in_double(products);
  }
  return facts;
}

// The n-th largest of the columns, found bit by bit: as many are at or above it.
float nth_largest(const float* columns, long n) {
  Integers keys[COLUMNS / 16];
  for (long i = 0; i < COLUMNS / 16; i++) keys[i] = rising(load(columns + 16 * i));
  uint32_t found = 0;
  for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
    long reached = 0;
    for (const Integers key : keys) reached += count_from(key, found | bit);
    if (reached >= n) found |= bit;
  }
  return fallen(found);
}

// The logits at or above the border, the highest first; minus one: they are more than there is room for. places: for as many
// ids, keys: for as many numbers, both with room for 16 more.
//
// Which they are is as good as random: every step that does not jump by it takes a part of the time of one that does.
long rank_from(const float* row, long vocab, float border, long room, int* places, uint64_t* keys, long* ids,
               double* values) {
  long count = 0;
  for (long i = 0; i < vocab; i += 16) {
    const Lanes used = lanes(vocab - i);
    const Lanes found = both(at_least(load(row + i, used), spread(border)), used);
    write_places(places + count, found, static_cast<int>(i));
    count += count_of(found);
    if (count > room) return -1;
  }
  // as one whole number each: the higher logit, of equals the lower id, is the smaller one
  for (long n = 0; n < count; n++)
    keys[n] = static_cast<uint64_t>(~rising(row[places[n]])) << 32 | static_cast<uint64_t>(places[n]);
  std::fill(keys + count, keys + (count + 7) / 8 * 8, ~uint64_t{0});
  for (long n = 0; n < count; n++) {
    long before = 0;
    for (long i = 0; i < count; i += 8) before += count_below(keys + i, keys[n]);
    ids[before] = places[n];
    values[before] = row[places[n]];
  }
  return count;
}

}  // namespace

bool find_facts(const float* rows, long count, long vocab, long depth, Facts* facts, long room, long* ids,
                double* values, long* found) {
  const long rounded = (room + 15) / 16 * 16 + 16, share = COLUMNS + 3 * rounded;
  float* memory = scratch(omp_get_max_threads() * share);
  if (!memory) return false;
  auto find = [=](long n, float* columns) {
    const float* row = rows + n * vocab;
    facts[n] = sums_below(row, vocab, highest_of_columns(row, vocab, columns));
    float border = -__FLT_MAX__;  // of all that can be drawn
    if (depth < std::min(vocab, COLUMNS)) {
      border = std::max(border, nth_largest(columns, depth));
    }
    uint64_t* keys = reinterpret_cast<uint64_t*>(columns + COLUMNS);
    int* places = reinterpret_cast<int*>(columns + COLUMNS + 2 * rounded);
    found[n] = rank_from(row, vocab, border, room, places, keys, ids + n * room, values + n * room);
  };
  if (count == 1) {
    find(0, memory);
    return true;
  }
#pragma omp parallel for schedule(static)
  for (long n = 0; n < count; n++) find(n, memory + omp_get_thread_num() * share);
  return true;
}
