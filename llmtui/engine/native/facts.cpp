#include "facts.h"

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <functional>

#include "memory.h"
#include "vectors.h"

namespace {

// A row in lines of so many logits has one column for each of them: the n-th largest of the columns' largest is reached
// by at least n logits, and by few more.
constexpr long COLUMNS = 512;
// As float32 no more terms than these are added: a sum of 100,000 would lose its last digits.
constexpr long AT_ONCE = 64 * 16;

struct Best {
  float value;
  int id;
  bool operator<(const Best& other) const { return value > other.value || (value == other.value && id < other.id); }
};

float highest_of_columns(const float* row, long vocab, float* columns) {
  const long used = std::min(vocab, COLUMNS);
  std::copy(row, row + used, columns);
  std::fill(columns + used, columns + COLUMNS, -__builtin_inff());
  for (long line = COLUMNS; line < vocab; line += COLUMNS)
    for (long i = 0; i < COLUMNS && line + i < vocab; i += 16) {
      const __m512 known = _mm512_load_ps(columns + i);
      // what is no number stays none: the sums tell
      const __m512 next = _mm512_mask_loadu_ps(known, lanes(vocab - line - i), row + line + i);
      _mm512_store_ps(columns + i, _mm512_max_ps(known, next));
    }
  __m512 highest = _mm512_load_ps(columns);
  for (long i = 16; i < COLUMNS; i += 16) highest = _mm512_max_ps(highest, _mm512_load_ps(columns + i));
  return _mm512_reduce_max_ps(highest);
}

Facts sums_below(const float* row, long vocab, float highest) {
  Facts facts{highest, 0, 0, 0};
  const __m512 never = _mm512_set1_ps(-__builtin_inff());
  for (long begin = 0; begin < vocab; begin += AT_ONCE) {
    __m512 total = _mm512_setzero_ps(), products = _mm512_setzero_ps();
    for (long i = begin; i < std::min(vocab, begin + AT_ONCE); i += 16) {
      const __mmask16 used = lanes(vocab - i);
      const __m512 logits = _mm512_mask_loadu_ps(never, used, row + i);
      const __mmask16 impossible = _mm512_cmp_ps_mask(logits, never, _CMP_EQ_OQ);
      const __m512 below = _mm512_sub_ps(logits, _mm512_set1_ps(highest));
      const __m512 shares = exp16(below);
      total = _mm512_add_ps(total, shares);
      // a share of 0 adds nothing, and 0 times minus infinity would be no number
      products = _mm512_mask3_fmadd_ps(shares, below, products, static_cast<__mmask16>(~impossible));
      facts.impossible += __builtin_popcount(impossible & used);
    }
    facts.total += _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(total)),
                                                      _mm512_cvtps_pd(_mm512_extractf32x8_ps(total, 1))));
    facts.products += _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(products)),
                                                         _mm512_cvtps_pd(_mm512_extractf32x8_ps(products, 1))));
  }
  return facts;
}

// The logits at or above the border, the highest first; minus one: they are more than there is room for.
long rank_from(const float* row, long vocab, float border, long room, Best* best, long* ids, double* values) {
  long count = 0;
  const __m512 low = _mm512_set1_ps(border);
  for (long i = 0; i < vocab; i += 16) {
    const __m512 logits = _mm512_maskz_loadu_ps(lanes(vocab - i), row + i);
    unsigned found = _mm512_mask_cmp_ps_mask(lanes(vocab - i), logits, low, _CMP_GE_OQ);
    for (; found; found &= found - 1) {
      if (count == room) return -1;
      const int id = static_cast<int>(i) + __builtin_ctz(found);
      best[count++] = {row[id], id};
    }
  }
  std::sort(best, best + count);
  for (long n = 0; n < count; n++) {
    ids[n] = best[n].id;
    values[n] = best[n].value;
  }
  return count;
}

}  // namespace

bool find_facts(const float* const* rows, long count, long vocab, long depth, Facts* facts, long room, long* ids,
                double* values, long* found) {
  const long share = COLUMNS + 2 * ((room + 15) / 16 * 16);
  float* memory = scratch(omp_get_max_threads() * share);
  if (!memory) return false;
  auto find = [=](long n, float* columns) {
    facts[n] = sums_below(rows[n], vocab, highest_of_columns(rows[n], vocab, columns));
    float border = -__FLT_MAX__;  // of all that can be drawn
    if (depth < std::min(vocab, COLUMNS)) {
      std::nth_element(columns, columns + depth - 1, columns + COLUMNS, std::greater<float>());
      border = std::max(border, columns[depth - 1]);
    }
    Best* best = reinterpret_cast<Best*>(columns + COLUMNS);
    found[n] = rank_from(rows[n], vocab, border, room, best, ids + n * room, values + n * room);
  };
  if (count == 1) {
    find(0, memory);
    return true;
  }
#pragma omp parallel for schedule(static)
  for (long n = 0; n < count; n++) find(n, memory + omp_get_thread_num() * share);
  return true;
}
