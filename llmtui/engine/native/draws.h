// One token out of a ranking, and what each stage of sampling left of it: what `llmtui/engine/sampling.py` says in words.
#pragma once

// The numbers that `llmtui/engine/draw_kernel.py` knows them by.
enum StageKind { TEMPERATURE = 0, TOP_K = 1, TOP_P = 2, MIN_P = 3, GREEDY = 4 };
constexpr int MOST_STAGES = 4;
// of a ranking's beginning
constexpr long MOST_KNOWN = 1024;

struct Stage {
  double kind, value;
};

// A row's tokens, most probable first, equals by id: of `size` the first `known`, all equals of the last one among them.
// row: all logits, [vocab]; those that cannot be drawn are minus infinity.
struct Ranking {
  const long* ids;
  const double* logits;
  long known, size;
  const float* row;
  long vocab;
};

// above, beside: how many tokens are more probable than the one drawn, and exactly as probable.
// kept, mass: how many tokens the stages left, and their mass: the sum of e^((logit - highest) / temperature).
// left: how many after each stage, and what part of the RAW probability they hold together.
struct Draw {
  long id, above, beside, kept;
  double logit, mass;
  struct {
    long kept;
    double raw_mass;
  } left[MOST_STAGES];
};

// The token at u in [0, 1). log_sum: ln of the sum of e^logit. False: more of the ranking must be known.
bool draw(const Ranking& ranking, double log_sum, const Stage* stages, long count, double u, Draw& drawn);
