// How products are cut into pieces that registers and caches hold, by AVX2.
#pragma once

#include <immintrin.h>

#include <array>

// Weights are asked for so many vectors ahead: memory takes as long to answer as to send 4 to 16 KiB.
constexpr int AHEAD = 128;
// ... into the second cache: in the nearest one, rows and what is there need the room.
constexpr auto NEAR = _MM_HINT_T1;
// From there, so many bytes ahead into the nearest one: it is slower to see by itself what several rows will need.
constexpr int NEXT = 1024;
// Of several groups of rows, so many words at most in turn: the nearest cache holds them until all groups had them.
constexpr int TURN = 384;

// Up to so many rows each thread packs for itself, and so many of what gates let through.
constexpr int ALONE = 4, ALONE_GATED = 4;

// A sum waits four cycles for the one before it: of one row, one panel's sums are too few to fill them.
inline int panels_together(long rows) { return rows == 1 ? 2 : 1; }

// The words of a step of several rows lie side by side: far apart, rows fall on each other's places in the cache.
constexpr bool INTERLEAVED = true;
// Of so many panels together, so many rows' sums stay in registers.
constexpr std::array<int, 4> ROWS_OF = {0, 6, 1, 0};
