#include "attention.h"

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "memory.h"
#include "vectors.h"

namespace {

constexpr int MOST_VECTORS = 16;  // of a head
// Less work than this is done before a second thread has begun.
constexpr long WORTH_A_THREAD = 1 << 14;  // floats of keys
// So many positions stay in the nearest cache while all heads that share them take their part.
constexpr long BLOCK = 64;

// The query's products with keys; returns the largest of them and of `highest`.
template <int Vectors>
float score(const float* query, float scale, const float* keys, long count, float highest, float* scores) {
  __m512 q[Vectors];
  for (int v = 0; v < Vectors; v++) q[v] = _mm512_mul_ps(_mm512_loadu_ps(query + 16 * v), _mm512_set1_ps(scale));
  for (long i = 0; i < count; i++) {
    const float* key = keys + i * 16 * Vectors;
    __m512 products = _mm512_mul_ps(q[0], _mm512_loadu_ps(key));
#pragma GCC unroll 16
    for (int v = 1; v < Vectors; v++) products = _mm512_fmadd_ps(q[v], _mm512_loadu_ps(key + 16 * v), products);
    scores[i] = _mm512_reduce_add_ps(products);
    highest = scores[i] > highest ? scores[i] : highest;
  }
  return highest;
}

// Scores to e^(score - highest); returns their sum.
float weigh(float* scores, long count, float highest) {
  __m512 sum = _mm512_setzero_ps();
  for (long i = 0; i < count; i += 16) {
    const __m512 below = _mm512_sub_ps(_mm512_loadu_ps(scores + i), _mm512_set1_ps(highest));
    const __m512 shares = _mm512_maskz_mov_ps(lanes(count - i), exp16(below));
    _mm512_storeu_ps(scores + i, shares);
    sum = _mm512_add_ps(sum, shares);
  }
  return _mm512_reduce_add_ps(sum);
}

// Adds values, each times its weight.
template <int Vectors>
void gather(const float* weights, const float* values, long count, float* attended) {
  __m512 sums[Vectors];
  for (int v = 0; v < Vectors; v++) sums[v] = _mm512_loadu_ps(attended + 16 * v);
  for (long i = 0; i < count; i++) {
    const float* value = values + i * 16 * Vectors;
    const __m512 weight = _mm512_set1_ps(weights[i]);
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; v++) sums[v] = _mm512_fmadd_ps(weight, _mm512_loadu_ps(value + 16 * v), sums[v]);
  }
  for (int v = 0; v < Vectors; v++) _mm512_storeu_ps(attended + 16 * v, sums[v]);
}

struct Job {
  const Shelf& shelf;
  const float* queries;
  long query_stride;
  const float* new_rows;
  long new_stride, heads;
  float scale;
  float* attended;

  long sharing() const { return heads / shelf.kv_heads; }
  // for the scores of a head
  long room() const { return (shelf.longest + 15) / 16 * 16; }
};

// One row's heads that share a head of keys. scores: room for those of all of them, and for two numbers of each.
template <int Vectors>
void attend_head(const Job& job, long row, long kv_head, float* scores) {
  const Shelf& shelf = job.shelf;
  const long dim = 16 * Vectors, sharing = job.sharing(), room = job.room();
  const long place = shelf.row_places[row], end = shelf.ends[row];
  const long begin = shelf.window && end > shelf.window ? end - shelf.window : 0, count = end - begin;
  float* keys = shelf.keys_values + (place * shelf.kv_heads + kv_head) * shelf.capacity * dim;
  float* values = keys + shelf.places * shelf.kv_heads * shelf.capacity * dim;
  const float* own = job.new_rows + row * job.new_stride + kv_head * dim;
  std::memcpy(keys + (end - 1) * dim, own, dim * sizeof(float));
  std::memcpy(values + (end - 1) * dim, own + shelf.kv_heads * dim, dim * sizeof(float));

  const float* queries = job.queries + row * job.query_stride + kv_head * sharing * dim;
  float* attended = job.attended + (row * job.heads + kv_head * sharing) * dim;
  float* highest = scores + sharing * room;
  std::fill(highest, highest + sharing, -__builtin_inff());
  std::fill(attended, attended + sharing * dim, 0.0f);
  for (long i = 0; i < count; i += BLOCK)
    for (long head = 0; head < sharing; head++)
      highest[head] = score<Vectors>(queries + head * dim, job.scale, keys + (begin + i) * dim, std::min(BLOCK, count - i),
                                     highest[head], scores + head * room + i);
  float* sums = highest + sharing;
  for (long head = 0; head < sharing; head++) sums[head] = weigh(scores + head * room, count, highest[head]);
  for (long i = 0; i < count; i += BLOCK)
    for (long head = 0; head < sharing; head++)
      gather<Vectors>(scores + head * room + i, values + (begin + i) * dim, std::min(BLOCK, count - i),
                      attended + head * dim);
  for (long head = 0; head < sharing; head++)
    for (long i = head * dim; i < (head + 1) * dim; i++) attended[i] /= sums[head];
}

using AttendHead = void (*)(const Job&, long, long, float*);

// for heads of 16, 32, ... floats
template <int... Less>
constexpr std::array<AttendHead, sizeof...(Less)> by_vectors(std::integer_sequence<int, Less...>) {
  return {attend_head<Less + 1>...};
}

}  // namespace

bool attend(const Shelf& shelf, const float* queries, long query_stride, const float* new_rows, long new_stride, long rows,
            long heads, float scale, float* attended) {
  static constexpr auto kernels = by_vectors(std::make_integer_sequence<int, MOST_VECTORS>{});
  const AttendHead kernel = kernels[shelf.dim / 16 - 1];
  const Job job{shelf, queries, query_stride, new_rows, new_stride, heads, scale, attended};
  const long tasks = rows * shelf.kv_heads, room = (job.sharing() * (job.room() + 2) + 15) / 16 * 16;
  float* memory = scratch(omp_get_max_threads() * room);
  if (!memory) return false;
  auto work = [&](long task, long thread) {
    kernel(job, task / shelf.kv_heads, task % shelf.kv_heads, memory + thread * room);
  };
  if (tasks * shelf.longest * shelf.dim < WORTH_A_THREAD) {
    for (long task = 0; task < tasks; task++) work(task, 0);
    return true;
  }
#pragma omp parallel for schedule(static)
  for (long task = 0; task < tasks; task++) work(task, omp_get_thread_num());
  return true;
}
