#include "linears.h"

#include <omp.h>

#include <array>
#include <cstdint>
#include <utility>

#include "memory.h"
#include "packing.h"
#include "products.h"
#include "vectors.h"

namespace {

constexpr int PANEL = 16;
constexpr long VECTOR = 64;  // bytes of the words of a panel's outputs

struct Job {
  const Layer& layer;
  long steps;           // words of an output's weights
  const int32_t* x;     // the rows' words
  long stride;          // words from row to row
  const float* scales;  // of INT8: each row's
  float* y;

  const char* weights(long panel, long step) const {
    return static_cast<const char*>(layer.weights) + (panel * steps + step) * VECTOR;
  }
};

// Sums of some panels by rows: of each panel there is room for those of FEW rows.

template <class Kind>
void begin(const Job& job, long panel, int panels, long rows, typename Kind::Sum* sums) {
  const char* start = static_cast<const char*>(job.layer.start);
  for (int p = 0; p < panels; p++)
    for (long r = 0; r < rows; r++) sums[p * FEW + r] = Kind::begin(start ? start + (panel + p) * VECTOR : nullptr);
}

template <class Kind>
void write(const Job& job, long panel, int panels, long row, long rows, const typename Kind::Sum* sums) {
  const Layer& layer = job.layer;
  for (int p = 0; p < panels; p++)
    for (long r = 0; r < rows; r++) {
      const long first = (panel + p) * PANEL;
      const Lanes used = lanes(layer.outs - first);
      float* y = job.y + (row + r) * layer.outs + first;
      Floats value = Kind::total(sums[p * FEW + r]);
      if (layer.scales) {
        const Floats bias = layer.bias ? load(layer.bias + first) : spread(0.0f);
        value = fmadd(value, load(layer.scales + first) * spread(job.scales[row + r]), bias);
      }
      if (layer.after == GELU) value = gelu16(value);
      if (layer.after == ADDED) value = load(y, used) + value;
      store(y, value, used);
    }
}

// What is asked for at each step: a place in each of so many streams, `apart` bytes from each other, and then `pace` on.
struct Ahead {
  const char* from;
  long apart, pace;
};

// Adds the products of words `first` to `last` of `Panels` panels by `Rows` rows, whose sums stay in registers.
template <class Kind, int Panels, int Rows, int Streams>
void add(const Job& job, long panel, long row, long first, long last, Ahead ahead, typename Kind::Sum* sums) {
  const long from_row = Kind::interleaved ? 1 : job.stride, from_word = Kind::interleaved ? Rows : 1;
  const int32_t* x = job.x + row * job.stride;
  typename Kind::Sum of[Panels][Rows];
  for (int p = 0; p < Panels; p++)
    for (int r = 0; r < Rows; r++) of[p][r] = sums[p * FEW + r];
  const char* weights = job.weights(panel, first);
  const long apart = job.steps * VECTOR;
  x += first * Kind::parts * from_word;
  for (long step = first; step < last; step++) {
    for (int s = 0; s < Streams; s++) _mm_prefetch(ahead.from + s * ahead.apart, NEAR);
    if constexpr (NEXT > 0 && Rows > 1)
      for (int p = 0; p < Panels; p++) _mm_prefetch(weights + p * apart + NEXT, _MM_HINT_T0);
    ahead.from += ahead.pace;
#pragma GCC unroll 2
    for (int part = 0; part < Kind::parts; part++) {
      typename Kind::Words w[Panels];
      for (int p = 0; p < Panels; p++) w[p] = Kind::take(weights + p * apart, part);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; r++)
#pragma GCC unroll 3
        for (int p = 0; p < Panels; p++) of[p][r] = Kind::add(of[p][r], w[p], x[r * from_row]);
      x += from_word;
      // each part loads its words: registers that hold those of all are missing for sums
      asm("" : "+r"(weights));
    }
    weights += VECTOR;
  }
  for (int p = 0; p < Panels; p++)
    for (int r = 0; r < Rows; r++) sums[p * FEW + r] = of[p][r];
}

template <class Kind>
using Add = void (*)(const Job&, long, long, long, long, Ahead, typename Kind::Sum*);

// by 1, 2, ... rows
template <class Kind, int Panels, int Streams, int... Less>
constexpr std::array<Add<Kind>, sizeof...(Less)> adds(std::integer_sequence<int, Less...>) {
  return {add<Kind, Panels, Less + 1, Streams>...};
}

template <class Kind, int Panels, int Streams>
constexpr auto ADDS = adds<Kind, Panels, Streams>(std::make_integer_sequence<int, Kind::rows_of[Panels]>{});

// Some panels by rows that are as many as stay in registers, or less.
template <class Kind, int Panels, int Streams>
void tile(const Job& job, long panel, long row, long rows) {
  typename Kind::Sum sums[Panels * FEW];
  begin<Kind>(job, panel, Panels, rows, sums);
  const Ahead ahead{job.weights(panel, AHEAD), job.steps * VECTOR, VECTOR};
  ADDS<Kind, Panels, Streams>[rows - 1](job, panel, row, 0, job.steps, ahead, sums);
  write<Kind>(job, panel, Panels, row, rows, sums);
}

// Some panels by groups of such rows, in turns: weights that came from memory for the first are near for the others, and
// in each turn each of them asks for a part of the next ones.
template <class Kind, int Panels>
void in_turns(const Job& job, long panel, long rows, long groups) {
  typename Kind::Sum sums[Panels * FEW];
  begin<Kind>(job, panel, Panels, rows, sums);
  const long turns = (job.steps + TURN - 1) / TURN;
  for (long turn = 0; turn < turns; turn++) {
    const long step = job.steps * turn / turns, end = job.steps * (turn + 1) / turns;
    const char* next = turn + 1 < turns ? job.weights(panel, end) : job.weights(panel + Panels, 0);
    for (long group = 0; group < groups; group++) {
      const long row = rows * group / groups, count = rows * (group + 1) / groups - row;
      // the next words of all panels, shared among the groups
      const long part = Panels * group / groups, within = Panels * group % groups;
      const Ahead ahead{next + (part * job.steps + (end - step) * within / groups) * VECTOR, 0, Panels * VECTOR / groups};
      ADDS<Kind, Panels, 1>[count - 1](job, panel, row, step, end, ahead, sums + row);
    }
  }
  write<Kind>(job, panel, Panels, 0, rows, sums);
}

// All rows of some panels, in so many groups.
template <class Kind, int Panels>
void some_panels(const Job& job, long panel, long rows, long groups) {
  if (groups == 1) return tile<Kind, Panels, Panels>(job, panel, 0, rows);
  if (rows <= FEW) return in_turns<Kind, Panels>(job, panel, rows, groups);
  for (long group = 0; group < groups; group++) {
    const long row = rows * group / groups;
    tile<Kind, Panels, 0>(job, panel, row, rows * (group + 1) / groups - row);
  }
}

template <class Kind>
bool multiply_as(const Layer& layer, const float* x, long x_stride, long rows, float* y) {
  const long steps = (layer.ins + Kind::inputs - 1) / Kind::inputs;
  const long stride = row_room(layer.ins) / Kind::inputs * Kind::parts;
  const long all_panels = (layer.outs + PANEL - 1) / PANEL;
  const int together = Kind::together(rows), most = Kind::rows_of[together];
  const long groups = (rows + most - 1) / most;
  const bool as_they_are = Kind::inputs == 1 && layer.before == NOTHING && (rows == 1 || !Kind::interleaved);
  // each thread packs few rows for itself, which takes less than to wait for the others
  const bool alone = rows <= (layer.before == GATED ? ALONE_GATED : ALONE);
  const long threads = omp_get_max_threads(), copies = alone ? threads : 1;
  const long packed = rows * (stride + 1), room = row_room(layer.ins) + (Kind::interleaved ? most * stride : 0);
  float* memory = scratch(copies * packed + threads * room);
  if (!memory) return false;
#pragma omp parallel
  {
    const long thread = omp_get_thread_num(), threads = omp_get_num_threads();
    int32_t* words = (int32_t*)memory + (alone ? thread * packed : 0);
    float* own = memory + copies * packed + thread * room;
    float* scales = (float*)(words + rows * stride);
    const long first = alone ? 0 : groups * thread / threads, end = alone ? groups : groups * (thread + 1) / threads;
    for (long group = as_they_are ? end : first; group < end; group++) {
      const long row = rows * group / groups, count = rows * (group + 1) / groups - row;
      pack_group<Kind>(layer, x + row * x_stride, x_stride, count, own, words + row * stride, stride, scales + row);
    }
    if (!alone && !as_they_are) {
#pragma omp barrier
    }
    const Job job{layer, steps, as_they_are ? (const int32_t*)x : words, as_they_are ? x_stride : stride, scales, y};
    long panel = all_panels * thread / threads;
    const long last = all_panels * (thread + 1) / threads;
    if constexpr (Kind::rows_of[3] > 0)
      for (; together == 3 && panel + 3 <= last; panel += 3) some_panels<Kind, 3>(job, panel, rows, groups);
    if constexpr (Kind::rows_of[2] > 0)
      for (; together >= 2 && panel + 2 <= last; panel += 2) some_panels<Kind, 2>(job, panel, rows, groups);
    for (; panel < last; panel++) some_panels<Kind, 1>(job, panel, rows, groups);
  }
  return true;
}

}  // namespace

bool multiply(const Layer& layer, const float* x, long stride, long rows, float* y) {
  switch (layer.kind) {
    case FLOAT32: return multiply_as<Float32>(layer, x, stride, rows, y);
    case BFLOAT16: return multiply_as<BFloat16>(layer, x, stride, rows, y);
    default: return multiply_as<Int8>(layer, x, stride, rows, y);
  }
}

void rotate(float* x, long stride, long rows, long heads, long dim, const float* cos, const float* sin) {
  const long half = dim / 2;
  for (long row = 0; row < rows; row++)
    for (long head = 0; head < heads; head++) {
      float* first = x + row * stride + head * dim;
      float* second = first + half;
      const float* c = cos + row * dim;
      const float* s = sin + row * dim;
      for (long i = 0; i < half; i += 16) {
        const Lanes used = lanes(half - i);
        const Floats a = load(first + i, used), b = load(second + i, used);
        store(first + i, fmadd(b, load(s + i, used), a * load(c + i, used)), used);
        store(second + i, fmadd(a, load(s + half + i, used), b * load(c + half + i, used)), used);
      }
    }
}
