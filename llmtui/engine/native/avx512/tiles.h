// How products are cut into pieces that registers and caches hold, by AVX-512.
#pragma once

#include <immintrin.h>

#include <array>

// Weights are asked for so many vectors ahead: memory takes as long to answer as to send 4 to 16 KiB.
constexpr int AHEAD = 128;
// ... into the nearest cache.
constexpr auto NEAR = _MM_HINT_T0;
// What is there already is not asked for again.
constexpr int NEXT = 0;
// Of several panels, so many words at most in turn: what is there and what was asked for share the nearest cache.
constexpr int TURN = 192;

// Up to so many rows each thread packs for itself, and so many of what gates let through.
constexpr int ALONE = 16, ALONE_GATED = 4;

// Each of two panels by 8 rows needs 10 loads for 16 products, one panel by 16 needs 17, which binds from 15 rows on.
inline int panels_together(long rows) { return rows > 16 ? 3 : rows >= 15 ? 2 : 1; }

// The words of a step of several rows lie side by side or, here, each row for itself.
constexpr bool INTERLEAVED = false;
// Of so many panels together, so many rows' sums stay in registers.
constexpr std::array<int, 4> ROWS_OF = {0, 16, 8, 8};
