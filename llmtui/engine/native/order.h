// Floats as whole numbers that can be compared, counted by their bits and packed with others.
#pragma once

#include <cstdint>
#include <cstring>

// Floats in their order as whole numbers, both zeros as one.
inline uint32_t rising(float value) {
  uint32_t bits;
  value += 0.0f;
  std::memcpy(&bits, &value, sizeof bits);
  return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

// The float of such a number.
inline float fallen(uint32_t bits) {
  float value;
  bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
