#include "draws.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "memory.h"
#include "order.h"
#include "vectors.h"

namespace {

// A sum of probabilities that reaches its limit but for rounding has reached it.
constexpr double ROUNDING = 1e-12;

// Cumulative sums of e^((logit - highest) / temperature), made as far as they are asked for.
class Masses {
 public:
  explicit Masses(const Ranking& ranking) : ranking_(ranking) {}

  void heat(double temperature) {
    made_ = 0;
    temperature_ = temperature;
  }

  const double* of(long count) {
    double sum = made_ ? sums_[made_ - 1] : 0;
    for (; made_ < count; made_++) {
      const double below = ranking_.logits[made_] - ranking_.logits[0];
      sums_[made_] = sum += std::exp(temperature_ == 1 ? below : below / temperature_);
    }
    return sums_;
  }

  // Of the first `kept` tokens; less than 0: they are not all known.
  double all(long kept) {
    if (kept <= ranking_.known) return of(kept)[kept - 1];
    return kept == ranking_.size ? sum_of_shares(ranking_.row, ranking_.vocab, ranking_.logits[0], temperature_) : -1;
  }

 private:
  const Ranking& ranking_;
  double temperature_ = 1;
  long made_ = 0;
  double sums_[MOST_KNOWN];
};

// What each stage keeps of `kept` tokens; 0: more of them must be known to tell.

long keep_top_k(const Ranking& ranking, long kept, double k) {
  if (k >= kept) return kept;
  long end = static_cast<long>(k);
  if (end > ranking.known) return 0;
  while (end < ranking.known && ranking.logits[end] == ranking.logits[end - 1]) end++;
  return std::min(kept, end);
}

long keep_top_p(const Ranking& ranking, Masses& masses, long kept, double p) {
  const double all = masses.all(kept), limit = (p - ROUNDING) * all;
  if (all < 0) return 0;
  const long known = std::min(kept, ranking.known);
  const double* sums = masses.of(known);
  const long reached = std::lower_bound(sums, sums + known, limit) - sums + 1;
  if (reached > known && known < kept) return 0;
  return std::min(reached, kept);
}

long keep_min_p(const Ranking& ranking, long kept, double temperature, double min_p) {
  const double limit = std::log(min_p) * temperature - ROUNDING;
  const long known = std::min(kept, ranking.known);
  long reached = 0;
  while (reached < known && ranking.logits[reached] - ranking.logits[0] >= limit) reached++;
  if (reached == known && known < kept) return 0;
  return std::max(1L, reached);
}

// A place among known tokens, and how many are more probable and exactly as probable.
void take_known(const Ranking& ranking, long place, Draw& drawn) {
  long first = place, last = place + 1;
  while (first > 0 && ranking.logits[first - 1] == ranking.logits[place]) first--;
  while (last < ranking.known && ranking.logits[last] == ranking.logits[place]) last++;
  drawn.id = ranking.ids[place];
  drawn.logit = ranking.logits[place];
  drawn.above = first;
  drawn.beside = last - first - 1;
}

// The token at `target` of the mass of all that are not known, the most probable first. None of them is sorted: their
// masses are added up by the first bits of their logits, then, of those with the right first bits, by the next ones.
bool take_unknown(const Ranking& ranking, double temperature, double target, Draw& drawn) {
  const long vocab = ranking.vocab;
  float* memory = scratch(2 * (vocab + 8));
  if (!memory) return false;
  double* shares = reinterpret_cast<double*>(memory);
  shares_of(ranking.row, vocab, ranking.logits[0], temperature, shares);
  const float border = static_cast<float>(ranking.logits[ranking.known - 1]);
  uint32_t prefix = 0, mask = 0;
  for (const int shift : {20, 8, 0}) {
    double sums[4096] = {};
    const uint32_t width = shift ? 4095 : 255;
    for (long id = 0; id < vocab; id++) {
      const uint32_t key = rising(ranking.row[id]);
      if ((key & mask) == prefix && ranking.row[id] < border) sums[key >> shift & width] += shares[id];
    }
    long chosen = -1;
    for (long bits = width; bits >= 0; bits--) {
      if (!sums[bits]) continue;
      // rounding may leave the target above the last sum: the last that adds to it is meant
      if (chosen >= 0) target -= sums[chosen];
      chosen = bits;
      if (target < sums[bits]) break;
    }
    if (chosen < 0) return false;
    prefix |= static_cast<uint32_t>(chosen) << shift;
    mask |= width << shift;
  }
  drawn.id = -1;
  drawn.above = drawn.beside = 0;
  for (long id = 0; id < vocab; id++) {
    const uint32_t key = rising(ranking.row[id]);
    drawn.above += key > prefix;
    if (key != prefix) continue;
    drawn.beside++;
    if (drawn.beside == 1 || target >= 0) drawn.id = id;
    target -= shares[id];
  }
  drawn.beside--;
  drawn.logit = ranking.row[drawn.id];
  return true;
}

// The RAW probability of the first `kept` tokens; less than 0: they are not all known.
double raw_mass(const Ranking& ranking, Masses& raw, double log_sum, long kept) {
  if (kept >= ranking.size) return 1;
  if (kept > ranking.known) return -1;
  return std::min(1.0, std::exp(ranking.logits[0] - log_sum) * raw.of(kept)[kept - 1]);
}

}  // namespace

bool draw(const Ranking& ranking, double log_sum, const Stage* stages, long count, double u, Draw& drawn) {
  Masses raw(ranking), sampled(ranking);
  double temperature = 1;
  long kept = ranking.size;
  for (long n = 0; n < count; n++) {
    const double value = stages[n].value;
    switch (static_cast<StageKind>(stages[n].kind)) {
      case TEMPERATURE: sampled.heat(temperature = value); break;
      case TOP_K: kept = keep_top_k(ranking, kept, value); break;
      case TOP_P: kept = keep_top_p(ranking, sampled, kept, value); break;
      case MIN_P: kept = keep_min_p(ranking, kept, temperature, value); break;
      case GREEDY: kept = 1;
    }
    const double held = kept ? raw_mass(ranking, raw, log_sum, kept) : -1;
    if (held < 0) return false;
    drawn.left[n] = {kept, held};
  }
  drawn.kept = kept;
  drawn.mass = sampled.all(kept);
  if (drawn.mass < 0) return false;
  const long known = std::min(kept, ranking.known);
  const double* sums = sampled.of(known);
  long place = std::upper_bound(sums, sums + known, u * drawn.mass) - sums;
  if (place == known && known < kept) return take_unknown(ranking, temperature, u * drawn.mass - sums[known - 1], drawn);
  // rounding left u above the last sum: the last token that adds to it is meant
  if (place == known) place = std::lower_bound(sums, sums + known, sums[known - 1]) - sums;
  take_known(ranking, place, drawn);
  return true;
}
