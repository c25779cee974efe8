// The kernels as a Python module. Tensors come as addresses; `llmtui/engine/kernels.py` sees to their shapes.
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include "attention.h"
#include "facts.h"
#include "linears.h"

namespace {

// One more whenever a call's arguments change: `kernels.py` expects the same.
constexpr long VERSION = 1;

// Whole numbers and addresses among a call's arguments, in turn.
class Arguments {
 public:
  explicit Arguments(PyObject* const* values) : next_(values) {}
  long number() { return PyLong_AsLong(*next_++); }
  template <class T>
  T* address() {
    return static_cast<T*>(PyLong_AsVoidPtr(*next_++));
  }
  float fraction() { return static_cast<float>(PyFloat_AsDouble(*next_++)); }

 private:
  PyObject* const* next_;
};

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
  Layer layer;
  layer.kind = static_cast<Kind>(a.number());
  layer.weights = a.address<void>();
  layer.start = a.address<void>();
  layer.scales = a.address<float>();
  layer.bias = a.address<float>();
  layer.ins = a.number();
  layer.outs = a.number();
  layer.before = static_cast<Before>(a.number());
  layer.norm_weight = a.address<float>();
  layer.norm_bias = a.address<float>();
  layer.epsilon = a.fraction();
  layer.after = static_cast<After>(a.number());
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
  if (!has(count, 18)) return nullptr;
  Arguments a(values);
  Shelf shelf;
  shelf.keys_values = a.address<float>();
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
  rows.window = a.number();
  const float* queries = a.address<float>();
  const long query_stride = a.number();
  const float* new_rows = a.address<float>();
  const long new_stride = a.number(), heads = a.number();
  const float scale = a.fraction();
  float* attended = a.address<float>();
  return run([&] { return attend(shelf, rows, queries, query_stride, new_rows, new_stride, heads, scale, attended); });
}

PyObject* py_find_facts(PyObject*, PyObject* const* values, Py_ssize_t count) {
  if (!has(count, 9)) return nullptr;
  Arguments a(values);
  const float* const* rows = a.address<const float*>();
  const long row_count = a.number(), vocab = a.number(), depth = a.number();
  Facts* facts = a.address<Facts>();
  const long room = a.number();
  long* ids = a.address<long>();
  double* highest = a.address<double>();
  long* found = a.address<long>();
  return run([&] { return find_facts(rows, row_count, vocab, depth, facts, room, ids, highest, found); });
}

PyMethodDef methods[] = {
    {"multiply", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_multiply)), METH_FASTCALL, nullptr},
    {"rotate", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_rotate)), METH_FASTCALL, nullptr},
    {"attend", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_attend)), METH_FASTCALL, nullptr},
    {"find_facts", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_find_facts)), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernels", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__kernels() {
  PyObject* made = PyModule_Create(&module);
  if (made) PyModule_AddIntConstant(made, "VERSION", VERSION);
  return made;
}
