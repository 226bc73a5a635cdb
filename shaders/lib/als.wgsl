// What the kernels of alternating least squares share. A block is a set of rows of the side that is solved, each in a
// slot; the other side is fixed. An entry's part of a row's normal equations
//
//   A = sum weight q q^T + w0 G + lambda I,   b = sum weight target q  (explicit),  sum target q  (implicit)
//
// comes from the fixed row q of `other`; with biases q has one more component, 1, whose unknown is the row's bias.

struct AlsEntry {
  other: u32,
  weight: f32,
  // Explicit: r - mu. Implicit: the factor of q in b.
  target_value: f32,
}

struct AlsBlock {
  slots: u32,
  segments: u32,
  // First pair of the block in `sums`.
  pair_start: u32,
}

struct AlsOptions {
  // k
  factors: u32,
  factor_penalty: f32,
  bias_penalty: f32,
  // w0: weight of every cell of the matrix, observed or not; 0 in explicit models.
  unobserved: f32,
  // A row is done when a step lowers its objective by no more than this share of it.
  tolerance: f32,
  // FACTOR_BLOCKS once more, as a number that the compiler does not know: see `lib/model.wgsl`.
  blocks: u32,
}

// By its bits: a compiler may take it that every number is finite.
fn is_finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffff) < 0x7f800000;
}

// A slot's vec4s in scratch tables: FACTOR_BLOCKS for the factors, then one whose x is the bias.
override BIASES: bool = false;
