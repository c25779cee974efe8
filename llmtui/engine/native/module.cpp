// The kernels as a Python module. Tensors come as addresses; `llmtui/engine/kernels.py` sees to their shapes.
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "attention.h"
#include "blocks.h"
#include "draws.h"
#include "facts.h"
#include "linears.h"

namespace {

// One more whenever a call's arguments change: `kernels.py` expects the same.
constexpr long VERSION = 6;

// Whole numbers and addresses among a call's arguments, in turn.
class Arguments {
 public:
  explicit Arguments(PyObject* const* values) : next_(values) {}
  long number() { return PyLong_AsLong(*next_++); }
  template <class T>
  T* address() {
    return static_cast<T*>(PyLong_AsVoidPtr(*next_++));
  }
  double real() { return PyFloat_AsDouble(*next_++); }
  float fraction() { return static_cast<float>(real()); }

 private:
  PyObject* const* next_;
};

// The same in memory, 8 bytes each.
class Words {
 public:
  explicit Words(const int64_t* words) : next_(words) {}
  long number() { return static_cast<long>(*next_++); }
  template <class T>
  T* address() {
    return reinterpret_cast<T*>(*next_++);
  }
  float fraction() {
    double value;
    std::memcpy(&value, next_++, sizeof value);
    return static_cast<float>(value);
  }

 private:
  const int64_t* next_;
};

template <class Source>
Layer layer_of(Source& a) {
  Layer layer;
  layer.kind = static_cast<Kind>(a.number());
  layer.weights = a.template address<void>();
  layer.start = a.template address<void>();
  layer.scales = a.template address<float>();
  layer.bias = a.template address<float>();
  layer.ins = a.number();
  layer.outs = a.number();
  layer.before = static_cast<Before>(a.number());
  layer.norm_weight = a.template address<float>();
  layer.norm_bias = a.template address<float>();
  layer.epsilon = a.fraction();
  layer.after = static_cast<After>(a.number());
  return layer;
}

bool has(Py_ssize_t count, Py_ssize_t wanted) {
  if (count == wanted) return true;
  PyErr_Format(PyExc_TypeError, "%zd arguments in place of %zd", count, wanted);
  return false;
}

// Runs a kernel without the interpreter's lock.
template <class Kernel>
PyObject* run(Kernel kernel) {
  if (PyErr_Occurred()) return nullptr;
  bool done = false;
  Py_BEGIN_ALLOW_THREADS
  done = kernel();
  Py_END_ALLOW_THREADS
  if (!done) return PyErr_NoMemory();
  Py_RETURN_NONE;
}

PyObject* py_multiply(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 16)) return nullptr;
  Arguments a(values);
  const Layer layer = layer_of(a);
  const float* x = a.address<float>();
  const long stride = a.number(), rows = a.number();
  float* y = a.address<float>();
  return run([&] { return multiply(layer, x, stride, rows, y); });
}

PyObject* py_rotate(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 7)) return nullptr;
  Arguments a(values);
  float* x = a.address<float>();
  const long stride = a.number(), rows = a.number(), heads = a.number(), dim = a.number();
  const float* cos = a.address<float>();
  const float* sin = a.address<float>();
  return run([&] {
    rotate(x, stride, rows, heads, dim, cos, sin);
    return true;
  });
}

PyObject* py_attend(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 21)) return nullptr;
  Arguments a(values);
  Shelf shelf;
  shelf.keys_values = a.address<void>();
  shelf.narrow = a.number();
  shelf.places = a.number();
  shelf.kv_heads = a.number();
  shelf.capacity = a.number();
  shelf.dim = a.number();
  Rows rows;
  rows.count = a.number();
  rows.numbers = a.address<long>();
  rows.places = a.address<long>();
  rows.ends = a.address<long>();
  rows.longest = a.number();
  rows.tails = a.address<Tail>();
  rows.layer = a.number();
  rows.window = a.number();
  const float* queries = a.address<float>();
  const long query_stride = a.number();
  const float* new_rows = a.address<float>();
  const long new_stride = a.number(), heads = a.number();
  const float scale = a.fraction();
  float* attended = a.address<float>();
  return run([&] { return attend(shelf, rows, queries, query_stride, new_rows, new_stride, heads, scale, attended); });
}

Block block_of(Words& words) {
  Block block;
  block.qkv = layer_of(words);
  block.out = layer_of(words);
  block.up = layer_of(words);
  block.down = layer_of(words);
  block.heads = words.number();
  block.scale = words.fraction();
  block.window = words.number();
  return block;
}

Shelved shelved_of(Words& words) {
  Shelved on;
  on.shelf.keys_values = nullptr;
  on.shelf.narrow = words.number();
  on.shelf.places = words.number();
  on.shelf.kv_heads = words.number();
  on.shelf.capacity = words.number();
  on.shelf.dim = words.number();
  on.rows.count = words.number();
  on.rows.numbers = words.address<long>();
  on.rows.places = words.address<long>();
  on.rows.ends = words.address<long>();
  on.rows.longest = words.number();
  on.rows.tails = words.address<Tail>();
  on.rows.window = on.rows.layer = 0;
  on.keys_values = words.address<void*>();
  return on;
}

PyObject* py_run_blocks(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 11)) return nullptr;
  Arguments a(values);
  Words block_words(a.address<int64_t>());
  const long block_count = a.number();
  Words shelf_words(a.address<int64_t>());
  const long shelf_count = a.number();
  Turn turn;
  turn.cos = a.address<float>();
  turn.sin = a.address<float>();
  float* x = a.address<float>();
  const long width = a.number(), rows = a.number();
  const long* kept = a.address<long>();
  const long kept_count = a.number();
  const std::unique_ptr<Block[]> blocks(new (std::nothrow) Block[block_count]);
  const std::unique_ptr<Shelved[]> shelves(new (std::nothrow) Shelved[shelf_count]);
  if (!blocks || !shelves) return PyErr_NoMemory();
  for (long n = 0; n < block_count; n++) blocks[n] = block_of(block_words);
  for (long n = 0; n < shelf_count; n++) shelves[n] = shelved_of(shelf_words);
  return run(
      [&] { return run_blocks(blocks.get(), block_count, shelves.get(), shelf_count, turn, x, width, rows, kept, kept_count); });
}

PyObject* py_find_facts(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 9)) return nullptr;
  Arguments a(values);
  const float* rows = a.address<float>();
  const long row_count = a.number(), vocab = a.number(), depth = a.number();
  Facts* facts = a.address<Facts>();
  const long room = a.number();
  long* ids = a.address<long>();
  double* highest = a.address<double>();
  long* found = a.address<long>();
  return run([&] { return find_facts(rows, row_count, vocab, depth, facts, room, ids, highest, found); });
}

// The memory of an array of numbers, held while this is. Null: it is no such array.
template <class T>
class Array {
 public:
  explicit Array(PyObject* object) : held_(PyObject_GetBuffer(object, &view_, PyBUF_SIMPLE) == 0) {}
  ~Array() {
    if (held_) PyBuffer_Release(&view_);
  }
  Array(const Array&) = delete;
  const T* data() const { return held_ ? static_cast<const T*>(view_.buf) : nullptr; }
  long size() const { return held_ ? view_.len / static_cast<long>(sizeof(T)) : 0; }

 private:
  Py_buffer view_;
  bool held_;
};

// ids, logits, row, size of the ranking; log_sum; stages, u → (id, rank, ties, logit, highest logit, last kept logit, its
// id, kept, mass, ((kept, RAW mass), ...)); where all are kept, minus infinity and -1 for the last one. None: more of the
// ranking must be known. The lock is held: it takes a
// microsecond, and a fraction of a millisecond where the token is not among those known.
PyObject* py_draw(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 7)) return nullptr;
  const Array<long> ids(values[0]);
  const Array<double> logits(values[1]);
  const Array<float> row(values[2]);
  const Array<Stage> stages(values[5]);
  Arguments size(values + 3), sum(values + 4), random(values + 6);
  const Ranking ranking{ids.data(), logits.data(), std::min(ids.size(), logits.size()), size.number(), row.data(), row.size()};
  const double log_sum = sum.real(), u = random.real();
  if (PyErr_Occurred()) return nullptr;
  if (ranking.known < 1 || ranking.known > MOST_KNOWN || stages.size() > MOST_STAGES) Py_RETURN_NONE;
  Draw drawn;
  if (!draw(ranking, log_sum, stages.data(), stages.size(), u, drawn)) Py_RETURN_NONE;
  PyObject* left = PyTuple_New(stages.size());
  for (long n = 0; left && n < stages.size(); n++) {
    PyObject* one = Py_BuildValue("(ld)", drawn.left[n].kept, drawn.left[n].raw_mass);
    if (!one || PyTuple_SetItem(left, n, one)) Py_CLEAR(left);
  }
  const bool cut = drawn.kept < ranking.size;
  return Py_BuildValue("(llldddlldN)", drawn.id, drawn.above + 1, drawn.beside, drawn.logit, ranking.logits[0], cut ? ranking.logits[drawn.kept - 1] : -INFINITY,
                       cut ? ranking.ids[drawn.kept - 1] : -1L, drawn.kept, drawn.mass, left);
}

PyMethodDef methods[] = {
    {"multiply", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_multiply)), METH_FASTCALL, nullptr},
    {"rotate", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_rotate)), METH_FASTCALL, nullptr},
    {"attend", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_attend)), METH_FASTCALL, nullptr},
    {"run_blocks", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_run_blocks)), METH_FASTCALL, nullptr},
    {"draw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_draw)), METH_FASTCALL, nullptr},
    {"find_facts", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_find_facts)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "kernels", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

// named for the instructions that this is built of
#define JOINED(name, instructions) name##instructions
#define NAMED(instructions) JOINED(PyInit__kernels_, instructions)

PyMODINIT_FUNC NAMED(INSTRUCTIONS)() {
  PyObject* made = PyModule_Create(&module);
  if (made) PyModule_AddIntConstant(made, "VERSION", VERSION);
  return made;
}
