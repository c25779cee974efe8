// What follows from a row of logits before any sampling.
#pragma once

// Of a row: the highest logit; the sums of its shares, e^(logit - highest), and of share * ln(share); how many logits
// are minus infinity. The sums are no numbers where the row is no distribution.
struct Facts {
  double highest, total, products, impossible;
};

// Of each row of logits, [count, vocab], its facts and its highest logits: at least `depth` of them, or all,
// with all equals of the last and their ids, the highest first, equals by id. There is room for `room` of each row;
// found: how many there are, minus one if that is more. False: there is no memory.
bool find_facts(const float* rows, long count, long vocab, long depth, Facts* facts, long room, long* ids,
                double* values, long* found);
