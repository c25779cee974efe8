#include "linears.h"

#include <immintrin.h>
#include <omp.h>

#include <array>
#include <cstdint>
#include <utility>

#include "memory.h"
#include "norms.h"
#include "vectors.h"

namespace {

constexpr int PANEL = 16;
// So many rows at most take their weights from memory once.
constexpr int FEW = 16;
// Up to so many each thread makes of its own what gates let through, which takes less than to wait for the other.
constexpr int ALONE = 4;
// From so many on products bind, not memory, and two panels by some rows need fewer loads for each product than one by all.
constexpr int PAIRED = 15;
constexpr int SOME = 8;
// Weights are asked for so many vectors ahead: memory takes as long to answer as to send 4 to 16 KiB.
constexpr int AHEAD = 128;
// Of two panels at once, so many words at most in turn: what is there and what was asked for share the nearest cache.
constexpr int TURN = 192;

struct Job {
  const Layer& layer;
  long steps;           // words of a row
  const int32_t* x;     // the rows' words
  long stride;          // words from row to row
  const float* scales;  // of INT8: each row's
  float* y;
};

// A word of each of 16 outputs times a word of a row; how rows become words; and how many panels many rows take at once.

struct Float32 {
  using Sum = __m512;
  static constexpr int inputs = 1, panels = 3;
  static Sum add(Sum sum, __m512i w, __m512i x) { return _mm512_fmadd_ps((__m512)w, (__m512)x, sum); }
  static __m512 value(Sum sum, const Job&, long, long) { return sum; }
  static float pack(const float* x, long count, int32_t* words) {
    for (long i = 0; i < count; i += 16)
      _mm512_storeu_ps(words + i, _mm512_maskz_loadu_ps(lanes(count - i), x + i));
    return 1;
  }
};

struct BFloat16 {
  using Sum = __m512;
  static constexpr int inputs = 2, panels = 3;
  static Sum add(Sum sum, __m512i w, __m512i x) { return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x); }
  static __m512 value(Sum sum, const Job&, long, long) { return sum; }
  static float pack(const float* x, long count, int32_t* words) {
    for (long i = 0; i < count; i += 16)
      _mm256_storeu_si256((__m256i*)(words + i / 2),
                          (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes(count - i), x + i)));
    return 1;
  }
};

struct Int8 {
  using Sum = __m512i;
  // its products take twice as long, which one panel's loads keep up with
  static constexpr int inputs = 4, panels = 1;
  static Sum add(Sum sum, __m512i w, __m512i x) { return _mm512_dpbusd_epi32(sum, x, w); }
  static __m512 value(Sum sum, const Job& job, long panel, long row) {
    const __m512 scale = _mm512_mul_ps(_mm512_load_ps(job.layer.scales + panel * PANEL), _mm512_set1_ps(job.scales[row]));
    const __m512 bias = job.layer.bias ? _mm512_load_ps(job.layer.bias + panel * PANEL) : _mm512_setzero_ps();
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, bias);
  }
  // Symmetric: the largest magnitude becomes 127. Returns the row's scale; no number if a value is none or infinite.
  static float pack(const float* x, long count, int32_t* words) {
    __m512i largest = _mm512_setzero_si512();
    // as integers, magnitudes keep their order and what is no number is above all
    for (long i = 0; i < count; i += 16) {
      const __m512i bits = _mm512_maskz_loadu_epi32(lanes(count - i), x + i);
      largest = _mm512_max_epi32(largest, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
    }
    const float most = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(largest))));
    const __m512 times = _mm512_set1_ps(most > 0 ? 127 / most : 0);
    for (long i = 0; i < count; i += 16) {
      const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes(count - i), x + i), times);
      const __m512i steps = _mm512_add_epi32(_mm512_cvtps_epi32(scaled), _mm512_set1_epi32(128));
      _mm_storeu_si128((__m128i*)(words + i / 4), _mm512_cvtusepi32_epi8(_mm512_max_epi32(steps, _mm512_setzero_si512())));
    }
    return most - most == 0 ? most / 127 : __builtin_nanf("");
  }
};

// A row as it is multiplied: x itself, or what becomes of it, in `made`.
const float* prepare(const Layer& layer, const float* x, float* made) {
  const long ins = layer.ins;
  switch (layer.before) {
    case NOTHING: return x;
    case LAYER_NORM: layer_norm(x, ins, layer.norm_weight, layer.norm_bias, layer.epsilon, made); break;
    case RMS_NORM: rms_norm(x, ins, layer.norm_weight, layer.epsilon, made); break;
    case GATED:
      for (long i = 0; i < ins; i += 16) {
        const __mmask16 used = lanes(ins - i);
        const __m512 gate = _mm512_maskz_loadu_ps(used, x + i), value = _mm512_maskz_loadu_ps(used, x + ins + i);
        _mm512_mask_storeu_ps(made + i, used, _mm512_mul_ps(silu16(gate), value));
      }
  }
  return made;
}

// The sums of `Panels` panels by `Rows` rows, which are to stay in registers.
template <class Kind, int Panels, int Rows>
struct Sums {
  typename Kind::Sum of[Panels][Rows];

  void begin(const Layer& layer, long panel) {
    for (int p = 0; p < Panels; p++)
      for (int r = 0; r < Rows; r++)
        of[p][r] = layer.start ? ((const typename Kind::Sum*)layer.start)[panel + p] : typename Kind::Sum{};
  }

  // The products of words `first` to `last`; asks for as many weights from `ahead` on, if that is anywhere.
  void add(const Job& job, long panel, long row, long first, long last, const __m512i* ahead) {
    const __m512i* weights = (const __m512i*)job.layer.weights + panel * job.steps;
    const int32_t* x = job.x + row * job.stride;
    for (long step = first; step < last; step++) {
      __m512i w[Panels];
      for (int p = 0; p < Panels; p++) w[p] = _mm512_load_si512(weights + p * job.steps + step);
      if (ahead) _mm_prefetch((const char*)(ahead + step - first), _MM_HINT_T0);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; r++) {
        const __m512i word = _mm512_set1_epi32(x[r * job.stride + step]);
#pragma GCC unroll 3
        for (int p = 0; p < Panels; p++) of[p][r] = Kind::add(of[p][r], w[p], word);
      }
    }
  }

  void write(const Job& job, long panel, long row) const {
    for (int p = 0; p < Panels; p++)
      for (int r = 0; r < Rows; r++) {
        __m512 value = Kind::value(of[p][r], job, panel + p, row + r);
        const long first = (panel + p) * PANEL;
        const __mmask16 used = lanes(job.layer.outs - first);
        float* y = job.y + (row + r) * job.layer.outs + first;
        if (job.layer.after == GELU) value = gelu16(value);
        if (job.layer.after == ADDED) value = _mm512_add_ps(_mm512_maskz_loadu_ps(used, y), value);
        _mm512_mask_storeu_ps(y, used, value);
      }
  }
};

template <class Kind, int Panels, int Rows>
void tile(const Job& job, long panel, long row) {
  Sums<Kind, Panels, Rows> sums;
  sums.begin(job.layer, panel);
  const __m512i* weights = (const __m512i*)job.layer.weights + panel * job.steps;
  sums.add(job, panel, row, 0, job.steps, Panels == 1 ? weights + AHEAD : nullptr);
  sums.write(job, panel, row);
}

// Two panels by SOME rows and then by the `Rest`, in turns: weights that came from memory for the first are near for the
// others, and in each turn one panel's next ones are asked for.
template <class Kind, int Rest>
void pair(const Job& job, long panel) {
  Sums<Kind, 2, SOME> sums;
  Sums<Kind, 2, Rest> rest;
  sums.begin(job.layer, panel);
  rest.begin(job.layer, panel);
  const __m512i* weights = (const __m512i*)job.layer.weights + panel * job.steps;
  const long turns = (job.steps + TURN - 1) / TURN;
  for (long turn = 0; turn < turns; turn++) {
    const long step = job.steps * turn / turns, end = job.steps * (turn + 1) / turns;
    const __m512i* next = weights + (turn + 1 < turns ? end : 2 * job.steps);
    sums.add(job, panel, 0, step, end, next);
    rest.add(job, panel, SOME, step, end, next + job.steps);
  }
  sums.write(job, panel, 0);
  rest.write(job, panel, SOME);
}

using Tile = void (*)(const Job&, long, long);

// tiles of 1, 2, ... rows
template <class Kind, int Panels, int... Less>
constexpr std::array<Tile, sizeof...(Less)> tiles(std::integer_sequence<int, Less...>) {
  return {tile<Kind, Panels, Less + 1>...};
}

// All rows of some panels.
template <class Kind, int Panels, int Most>
void panels(const Job& job, long panel, long rows) {
  static constexpr auto by_rows = tiles<Kind, Panels>(std::make_integer_sequence<int, Most>{});
  for (long row = 0; row < rows; row += Most) by_rows[(rows - row < Most ? rows - row : Most) - 1](job, panel, row);
}

template <class Kind>
bool multiply_as(const Layer& layer, const float* x, long x_stride, long rows, float* y) {
  const long steps = (layer.ins + Kind::inputs - 1) / Kind::inputs;
  const long stride = (layer.ins + 15) / 16 * 16 / Kind::inputs;
  const long all_panels = (layer.outs + PANEL - 1) / PANEL;
  const bool few = rows <= FEW, as_it_is = Kind::inputs == 1 && layer.before == NOTHING;
  // each thread packs few rows for itself, which takes less than to wait for the others
  const bool alone = few && (layer.before != GATED || rows <= ALONE);
  const long copies = alone ? omp_get_max_threads() : 1, packed = rows * (stride + 1), made = (layer.ins + 15) / 16 * 16;
  float* memory = scratch(copies * packed + omp_get_max_threads() * made);
  if (!memory) return false;
#pragma omp parallel
  {
    const long thread = omp_get_thread_num(), threads = omp_get_num_threads();
    int32_t* words = (int32_t*)memory + (alone ? thread * packed : 0);
    float* own = memory + copies * packed + thread * made;
    float* scales = (float*)(words + rows * stride);
    const long first = alone ? 0 : rows * thread / threads, end = alone ? rows : rows * (thread + 1) / threads;
    for (long row = as_it_is ? end : first; row < end; row++)
      scales[row] = Kind::pack(prepare(layer, x + row * x_stride, own), layer.ins, words + row * stride);
    if (!alone && !as_it_is) {
#pragma omp barrier
    }
    const Job job{layer, steps, as_it_is ? (const int32_t*)x : words, as_it_is ? x_stride : stride, scales, y};
    long panel = all_panels * thread / threads;
    const long last = all_panels * (thread + 1) / threads;
    if (!few && Kind::panels > 1)
      for (; panel + Kind::panels <= last; panel += Kind::panels) panels<Kind, Kind::panels, SOME>(job, panel, rows);
    if (few && rows >= PAIRED && Kind::panels > 1)
      for (; panel + 2 <= last; panel += 2) rows == FEW ? pair<Kind, FEW - SOME>(job, panel) : pair<Kind, PAIRED - SOME>(job, panel);
    for (; panel < last; panel++) panels<Kind, 1, FEW>(job, panel, rows);
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
        const __mmask16 used = lanes(half - i);
        const __m512 a = _mm512_maskz_loadu_ps(used, first + i), b = _mm512_maskz_loadu_ps(used, second + i);
        const __m512 turned_a = _mm512_mul_ps(a, _mm512_maskz_loadu_ps(used, c + i));
        const __m512 turned_b = _mm512_mul_ps(b, _mm512_maskz_loadu_ps(used, c + half + i));
        _mm512_mask_storeu_ps(first + i, used, _mm512_fmadd_ps(b, _mm512_maskz_loadu_ps(used, s + i), turned_a));
        _mm512_mask_storeu_ps(second + i, used, _mm512_fmadd_ps(a, _mm512_maskz_loadu_ps(used, s + half + i), turned_b));
      }
    }
}
