// Memory of a thread, kept for its next call.
#pragma once

#include <cstdlib>
#include <memory>

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// Who holds memory while others ask for theirs has some of its own.
struct Kernel {};
struct Blocks {};

// What a long prompt took of more than so many floats goes when less is asked for.
constexpr size_t KEPT = 4 << 20;

// At least so many floats on a border of 64 bytes, the same ones at each call in a thread. Null: there is no memory.
template <class Owner = Kernel>
float* scratch(size_t floats) {
  thread_local std::unique_ptr<float, Free> memory;
  thread_local size_t size = 0;
  if (floats > size || (size > KEPT && floats <= KEPT)) {
    memory.reset();
    memory.reset(static_cast<float*>(std::aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64)));
    size = memory ? floats : 0;
  }
  return memory.get();
}
