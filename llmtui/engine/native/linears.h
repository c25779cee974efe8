// Products of rows with packed weights, with what comes before and after them in a layer.
#pragma once

// How weights are held, and what a word of 4 bytes of them is: 1 float, 2 bfloat16 or 4 signed bytes.
enum Kind { FLOAT32 = 0, BFLOAT16 = 1, INT8 = 2 };

// What becomes of a row before it is multiplied. GATED: of twice as many floats, gates and then values, SiLU of the gates
// times the values.
enum Before { NOTHING = 0, LAYER_NORM = 1, RMS_NORM = 2, GATED = 3 };

// What becomes of a product: it is written, or GELU of it, or it is added to what is there.
enum After { WRITTEN = 0, GELU = 1, ADDED = 2 };

// One layer. 16 outputs make a panel: for each word of the inputs 64 bytes, a word for each output; the panels one after
// the other, on borders of 64 bytes, missing outputs and inputs filled up with zeros.
//
// start: what each output's sum begins with: the bias, if there is one; of INT8 -128 times the sum of its weights, as
// integers, since inputs come with 128 added. scales, bias: of INT8 alone, what the sum is then multiplied with and what
// is added, if anything. All three hold whole panels.
// norm_weight, norm_bias, epsilon: [ins] each; a layer norm's bias and both of other rows may be missing.
struct Layer {
  Kind kind;
  const void* weights;
  const void* start;
  const float* scales;
  const float* bias;
  long ins, outs;
  Before before;
  const float* norm_weight;
  const float* norm_bias;
  float epsilon;
  After after;
};

// x: [rows, ins], `stride` floats from row to row → y: [rows, outs]. Every sum is made in the order of the inputs,
// however many rows there are, so that a row gives the same bits in any company. False: there is no memory.
bool multiply(const Layer& layer, const float* x, long stride, long rows, float* y);

// Rotary positions (Su et al. 2021) of heads of `dim`, in place: x: [rows, heads, dim], `stride` floats from row to row;
// cos, sin: [rows, dim], the sines of the first half negative: y = x cos + (x with its halves swapped) sin.
void rotate(float* x, long stride, long rows, long heads, long dim, const float* cos, const float* sin);
