#include "attention.h"

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "memory.h"
#include "vectors.h"

namespace {

constexpr int MOST_VECTORS = 16;  // of a head
// Less work than this is done before a second thread has begun.
constexpr long WORTH_A_THREAD = 1 << 14;  // floats of keys
// So many positions stay in the nearest cache while all that share them take their part: heads, and so many rows.
constexpr long BLOCK = 64;
constexpr long ROWS_TOGETHER = 8;
// What is narrow is made floats once for so many readers.
constexpr long READERS = 3;
// Keys and values are asked for so many bytes ahead.
constexpr long AHEAD = 6144;

// A number of keys and values, alone and sixteen of them.

struct Wide {
  using Number = float;
  static Floats read(const float* x) { return load(x); }
  static void write(float* y, Floats x) { store(y, x); }
};

struct Narrow {
  using Number = uint16_t;
  static Floats read(const uint16_t* x) { return load_bfloat16(x); }
  static void write(uint16_t* y, Floats x) { store_bfloat16(y, x); }
};

// Keys or values of positions `begin` to `end`, and those that are read after them, of as many positions.
template <class Number>
struct Reading {
  const Number* own;
  const Number* next;
  long begin, end, dim;
  long ahead = AHEAD / (dim * static_cast<long>(sizeof(Number)));  // positions

  // Inlined by force: GCC leaves out what it takes for a function without an effect.
  __attribute__((always_inline)) void ask_ahead_of(long position) const {
    const Number* row = position + ahead < end ? own + (position + ahead) * dim : next + (begin + position + ahead - end) * dim;
    for (long i = 0; i < dim * static_cast<long>(sizeof(Number)); i += 64)
      _mm_prefetch(reinterpret_cast<const char*>(row) + i, _MM_HINT_T0);
  }
};

// The query's products with some keys; returns the largest of them and of `highest`. reading: asked for what comes after
// those from position `first` on, if it is there.
template <class Kind, int Vectors>
float score(const float* query, float scale, const typename Kind::Number* keys, long count, float highest, float* scores,
            const Reading<typename Kind::Number>* reading, long first) {
  Floats q[Vectors];
  for (int v = 0; v < Vectors; v++) q[v] = load(query + 16 * v) * spread(scale);
  auto products = [&](long i) {
    const auto* key = keys + i * 16 * Vectors;
    if (reading) reading->ask_ahead_of(first + i);
    Floats sum = q[0] * Kind::read(key);
#pragma GCC unroll 16
    for (int v = 1; v < Vectors; v++) sum = fmadd(q[v], Kind::read(key + 16 * v), sum);
    return sum;
  };
  __m128 largest = _mm_set1_ps(highest);
  long i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128 four = sums_of(products(i), products(i + 1), products(i + 2), products(i + 3));
    _mm_storeu_ps(scores + i, four);
    largest = _mm_max_ps(four, largest);
  }
  for (; i < count; i++) {
    scores[i] = sum_of(products(i));
    largest = _mm_max_ps(_mm_set1_ps(scores[i]), largest);
  }
  largest = _mm_max_ps(largest, _mm_movehl_ps(largest, largest));
  return _mm_cvtss_f32(_mm_max_ss(largest, _mm_shuffle_ps(largest, largest, 1)));
}

// Scores to e^(score - highest); returns their sum.
float weigh(float* scores, long count, float highest) {
  Floats sum = spread(0.0f);
  for (long i = 0; i < count; i += 16) {
    const Floats shares = only(exp16(load(scores + i) - spread(highest)), lanes(count - i));
    store(scores + i, shares);
    sum += shares;
  }
  return sum_of(sum);
}

// Adds some values, each times its weight.
template <class Kind, int Vectors>
void gather(const float* weights, const typename Kind::Number* values, long count, float* attended,
            const Reading<typename Kind::Number>* reading, long first) {
  Floats sums[Vectors];
  for (int v = 0; v < Vectors; v++) sums[v] = load(attended + 16 * v);
  for (long i = 0; i < count; i++) {
    const auto* value = values + i * 16 * Vectors;
    if (reading) reading->ask_ahead_of(first + i);
    const Floats weight = spread(weights[i]);
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; v++) sums[v] = fmadd(weight, Kind::read(value + 16 * v), sums[v]);
  }
  for (int v = 0; v < Vectors; v++) store(attended + 16 * v, sums[v]);
}

// Keys or values from position `first` on as floats, which what is read by many is made once.
template <class Kind, int Vectors>
void widen(const typename Kind::Number* from, long first, long count, const Reading<typename Kind::Number>& reading,
           float* floats) {
  for (long i = 0; i < count; i++) {
    reading.ask_ahead_of(first + i);
    for (int v = 0; v < Vectors; v++)
      store(floats + (i * Vectors + v) * 16, Kind::read(from + ((first + i) * Vectors + v) * 16));
  }
}

struct Job {
  const Shelf& shelf;
  const Rows& rows;
  const float* queries;
  long query_stride;
  const float* new_rows;
  long new_stride, heads;
  float scale;
  float* attended;

  long sharing() const { return heads / shelf.kv_heads; }
  // for the scores of a head
  long room() const { return (rows.longest + 15) / 16 * 16; }
  const Tail* tail(long row) const { return rows.tails && rows.tails[row].count ? rows.tails + row : nullptr; }
  long tail_count(long row) const { return rows.tails ? rows.tails[row].count : 0; }
  // the first position that a row sees, which may be of its tail
  long begin(long row) const {
    const long end = rows.ends[row] + tail_count(row);
    return rows.window && end > rows.window ? end - rows.window : 0;
  }
  // how many positions of its sequence it sees, and how many of its tail it does not
  long seen(long row) const { return std::max(0L, rows.ends[row] - begin(row)); }
  long beyond(long row) const { return std::max(0L, begin(row) - rows.ends[row]); }
  template <class Kind>
  typename Kind::Number* keys(long row, long kv_head) const {
    return static_cast<typename Kind::Number*>(shelf.keys_values) +
           (rows.places[row] * shelf.kv_heads + kv_head) * shelf.capacity * shelf.dim;
  }
  template <class Kind>
  typename Kind::Number* values(long row, long kv_head) const {
    return keys<Kind>(row, kv_head) + shelf.places * shelf.kv_heads * shelf.capacity * shelf.dim;
  }
  template <class Kind>
  typename Kind::Number* tail_keys(const Tail& tail, long kv_head) const {
    return static_cast<typename Kind::Number*>(tail.keys_values[rows.layer]) + (kv_head * tail.places + tail.first) * shelf.dim;
  }
  template <class Kind>
  typename Kind::Number* tail_values(const Tail& tail, long kv_head) const {
    return tail_keys<Kind>(tail, kv_head) + shelf.kv_heads * tail.places * shelf.dim;
  }
  const float* query(long row, long head) const { return queries + rows.numbers[row] * query_stride + head * shelf.dim; }
  float* result(long row, long head) const { return attended + (rows.numbers[row] * heads + head) * shelf.dim; }
};

template <class Kind>
void write_down(const Job& job, long row) {
  const long dim = job.shelf.dim, kv_heads = job.shelf.kv_heads;
  const Tail* tail = job.tail(row);
  const long last = ((tail ? tail->count : job.rows.ends[row]) - 1) * dim;
  const float* own = job.new_rows + job.rows.numbers[row] * job.new_stride;
  for (long head = 0; head < kv_heads; head++) {
    auto* key = (tail ? job.tail_keys<Kind>(*tail, head) : job.keys<Kind>(row, head)) + last;
    auto* value = (tail ? job.tail_values<Kind>(*tail, head) : job.values<Kind>(row, head)) + last;
    for (long i = 0; i < dim; i += 16) {
      Kind::write(key + i, load(own + head * dim + i));
      Kind::write(value + i, load(own + (kv_heads + head) * dim + i));
    }
  }
}

// The heads that share a head of keys, of rows of one place. scores: room for those of all of them, for two numbers of
// each, and for a block of floats. next: the keys that are read when this is done.
template <class Kind, int Vectors>
void attend_head(const Job& job, long first, long count, long kv_head, float* scores, const void* next) {
  const long dim = 16 * Vectors, sharing = job.sharing(), all = count * sharing, room = job.room();
  const auto* keys = job.keys<Kind>(first, kv_head);
  const auto* values = job.values<Kind>(first, kv_head);
  long begins = job.begin(first), ends = job.rows.ends[first];
  for (long row = first + 1; row < first + count; row++) {
    begins = std::min(begins, job.begin(row));
    ends = std::max(ends, job.rows.ends[row]);
  }
  using Number = typename Kind::Number;
  const Reading<Number> of_keys{keys, values, begins, ends, dim};
  const Reading<Number> of_values{values, static_cast<const Number*>(next), begins, ends, dim};
  const bool widened = std::is_same_v<Kind, Narrow> && all >= READERS;
  float* highest = scores + all * room;
  float* sums = highest + all;
  float* floats = scores + (all * (room + 2) + 15) / 16 * 16;
  std::fill(highest, highest + all, -__builtin_inff());
  // calls `part` with every row and head and the positions of each block that it sees
  auto by_blocks = [&](const Number* numbers, const Reading<Number>& reading, auto part) {
    for (long i = begins; i < ends; i += BLOCK) {
      if (widened) widen<Kind, Vectors>(numbers, i, std::min(BLOCK, ends - i), reading, floats);
      for (long n = 0; n < all; n++) {
        const long row = first + n / sharing;
        const long begin = std::max(i, job.begin(row)), end = std::min(i + BLOCK, job.rows.ends[row]);
        if (begin < end) part(n, row, kv_head * sharing + n % sharing, i, begin, end - begin);
      }
    }
  };
  by_blocks(keys, of_keys, [&](long n, long row, long head, long block, long begin, long seen) {
    float* own = scores + n * room + begin - job.begin(row);
    const float* query = job.query(row, head);
    if (widened)
      highest[n] = score<Wide, Vectors>(query, job.scale, floats + (begin - block) * dim, seen, highest[n], own, nullptr, 0);
    else  // the others read what the first of them asked for
      highest[n] = score<Kind, Vectors>(query, job.scale, keys + begin * dim, seen, highest[n], own, n ? nullptr : &of_keys, begin);
  });
  for (long n = 0; n < all; n++) {
    const long row = first + n / sharing, beyond = job.beyond(row);
    float* own = scores + n * room;
    if (const Tail* tail = job.tail(row))
      highest[n] = score<Kind, Vectors>(job.query(row, kv_head * sharing + n % sharing), job.scale,
                                        job.tail_keys<Kind>(*tail, kv_head) + beyond * dim, tail->count - beyond, highest[n],
                                        own + job.seen(row), nullptr, 0);
    sums[n] = weigh(own, job.seen(row) + job.tail_count(row) - beyond, highest[n]);
    float* result = job.result(row, kv_head * sharing + n % sharing);
    std::fill(result, result + dim, 0.0f);
  }
  by_blocks(values, of_values, [&](long n, long row, long head, long block, long begin, long seen) {
    const float* own = scores + n * room + begin - job.begin(row);
    float* result = job.result(row, head);
    if (widened)
      gather<Wide, Vectors>(own, floats + (begin - block) * dim, seen, result, nullptr, 0);
    else
      gather<Kind, Vectors>(own, values + begin * dim, seen, result, n ? nullptr : &of_values, begin);
  });
  for (long n = 0; n < all; n++) {
    const long row = first + n / sharing, beyond = job.beyond(row);
    float* result = job.result(row, kv_head * sharing + n % sharing);
    if (const Tail* tail = job.tail(row))
      gather<Kind, Vectors>(scores + n * room + job.seen(row), job.tail_values<Kind>(*tail, kv_head) + beyond * dim,
                            tail->count - beyond, result, nullptr, 0);
    for (long i = 0; i < dim; i++) result[i] /= sums[n];
  }
}

using AttendHead = void (*)(const Job&, long, long, long, float*, const void*);

// for heads of 16, 32, ... numbers
template <class Kind, int... Less>
constexpr std::array<AttendHead, sizeof...(Less)> by_vectors(std::integer_sequence<int, Less...>) {
  return {attend_head<Kind, Less + 1>...};
}

// Rows of one place, at most ROWS_TOGETHER.
struct Group {
  long first, count;
};

long group(const Rows& rows, Group* groups) {
  long count = 0;
  for (long row = 0; row < rows.count; row++) {
    const bool goes_on = row && rows.places[row] == rows.places[row - 1] && groups[count - 1].count < ROWS_TOGETHER;
    if (goes_on)
      groups[count - 1].count++;
    else
      groups[count++] = {row, 1};
  }
  return count;
}

template <class Kind>
bool attend_as(const Job& job) {
  static constexpr auto kernels = by_vectors<Kind>(std::make_integer_sequence<int, MOST_VECTORS>{});
  const Rows& rows = job.rows;
  const long kv_heads = job.shelf.kv_heads, dim = job.shelf.dim;
  const AttendHead kernel = kernels[dim / 16 - 1];
  const long together = std::min(rows.count, ROWS_TOGETHER) * job.sharing();
  const long room = (together * (job.room() + 2) + 15) / 16 * 16 + BLOCK * dim;
  const long for_groups = (rows.count * sizeof(Group) / sizeof(float) + 15) / 16 * 16;
  float* memory = scratch(for_groups + omp_get_max_threads() * room);
  if (!memory) return false;
  Group* groups = reinterpret_cast<Group*>(memory);
  const long tasks = group(rows, groups) * kv_heads;
  auto work = [&](long task, long thread) {
    const Group& own = groups[task / kv_heads];
    const long next = std::min(task + 1, tasks - 1);
    const void* keys = job.keys<Kind>(groups[next / kv_heads].first, next % kv_heads);
    kernel(job, own.first, own.count, task % kv_heads, memory + for_groups + thread * room, keys);
  };
  if (rows.count * kv_heads * rows.longest * dim < WORTH_A_THREAD) {
    for (long row = 0; row < rows.count; row++) write_down<Kind>(job, row);
    for (long task = 0; task < tasks; task++) work(task, 0);
    return true;
  }
#pragma omp parallel
  {
    // a row of a prompt sees those before it, which another thread may have written
#pragma omp for schedule(static)
    for (long row = 0; row < rows.count; row++) write_down<Kind>(job, row);
#pragma omp for schedule(static)
    for (long task = 0; task < tasks; task++) work(task, omp_get_thread_num());
  }
  return true;
}

}  // namespace

bool attend(const Shelf& shelf, const Rows& rows, const float* queries, long query_stride, const float* new_rows,
            long new_stride, long heads, float scale, float* attended) {
  const Job job{shelf, rows, queries, query_stride, new_rows, new_stride, heads, scale, attended};
  return shelf.narrow ? attend_as<Narrow>(job) : attend_as<Wide>(job);
}
