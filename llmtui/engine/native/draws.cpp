#include "draws.h"

#include <algorithm>
#include <cmath>

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
  if (place == known) {
    if (known < kept) return false;
    // rounding left u above the last sum: the last token that adds to it is meant
    place = std::lower_bound(sums, sums + known, sums[known - 1]) - sums;
  }
  drawn.place = place;
  long first = place, last = place + 1;
  while (first > 0 && ranking.logits[first - 1] == ranking.logits[place]) first--;
  while (last < ranking.known && ranking.logits[last] == ranking.logits[place]) last++;
  drawn.above = first;
  drawn.beside = last - first - 1;
  return true;
}
