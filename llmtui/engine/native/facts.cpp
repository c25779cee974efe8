#include "facts.h"

#include <immintrin.h>
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

// The n-th largest of the columns, found bit by bit: as many are at or above it.
float nth_largest(const float* columns, long n) {
  __m512i keys[COLUMNS / 16];
  for (long i = 0; i < COLUMNS / 16; i++) {
    const __m512i bits = _mm512_castps_si512(_mm512_add_ps(_mm512_load_ps(columns + 16 * i), _mm512_setzero_ps()));
    const __m512i signs = _mm512_or_si512(_mm512_srai_epi32(bits, 31), _mm512_set1_epi32(static_cast<int>(0x80000000u)));
    keys[i] = _mm512_xor_si512(bits, signs);
  }
  uint32_t found = 0;
  for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
    const __m512i least = _mm512_set1_epi32(static_cast<int>(found | bit));
    long reached = 0;
    for (const __m512i key : keys) reached += __builtin_popcount(_mm512_cmpge_epu32_mask(key, least));
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
  const __m512 low = _mm512_set1_ps(border);
  const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (long i = 0; i < vocab; i += 16) {
    const __m512 logits = _mm512_maskz_loadu_ps(lanes(vocab - i), row + i);
    const __mmask16 found = _mm512_mask_cmp_ps_mask(lanes(vocab - i), logits, low, _CMP_GE_OQ);
    const __m512i own = _mm512_add_epi32(steps, _mm512_set1_epi32(static_cast<int>(i)));
    _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(found, own));
    count += __builtin_popcount(found);
    if (count > room) return -1;
  }
  // as one whole number each: the higher logit, of equals the lower id, is the smaller one
  for (long n = 0; n < count; n++)
    keys[n] = static_cast<uint64_t>(~rising(row[places[n]])) << 32 | static_cast<uint64_t>(places[n]);
  std::fill(keys + count, keys + (count + 7) / 8 * 8, ~uint64_t{0});
  for (long n = 0; n < count; n++) {
    const __m512i own = _mm512_set1_epi64(static_cast<long long>(keys[n]));
    long before = 0;
    for (long i = 0; i < count; i += 8)
      before += __builtin_popcount(_mm512_cmplt_epu64_mask(_mm512_load_si512(keys + i), own));
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
