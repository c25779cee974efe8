// Products of rows with packed weights.
#pragma once

// How weights are held, and what a word of 4 bytes of them is: 1 float, 2 bfloat16 or 4 signed bytes.
enum Kind { FLOAT32 = 0, BFLOAT16 = 1, INT8 = 2 };

// One layer. 16 outputs make a panel: for each word of the inputs 64 bytes, a word for each output; the panels one after
// the other, on borders of 64 bytes, missing outputs and inputs filled up with zeros.
//
// start: what each output's sum begins with: the bias, if there is one; of INT8 -128 times the sum of its weights, as
// integers, since inputs come with 128 added. scales, bias: of INT8 alone, what the sum is then multiplied with and what
// is added, if anything. All three hold whole panels. gelu: what comes out is GELU of it.
struct Layer {
  Kind kind;
  const void* weights;
  const void* start;
  const float* scales;
  const float* bias;
  long ins, outs;
  bool gelu;
};

// x: [rows, ins], `stride` floats from row to row → y: [rows, outs]. Every sum is made in the order of the inputs,
// however many rows there are, so that a row gives the same bits in any company. False: there is no memory.
bool multiply(const Layer& layer, const float* x, long stride, long rows, float* y);
