// The tables of a model, read-only: bind group 0 of every kernel that scores.
// A row of factors is FACTOR_BLOCKS vec4s: k factors, then zeros.

struct Model {
  mean: f32,
  minimum: f32,
  maximum: f32,
  users: u32,
  items: u32,
  // FACTOR_BLOCKS once more, as a number that the compiler does not know: Mesa unrolls a loop over a known one whole,
  // and at k = 128 then compiles for seconds.
  blocks: u32,
}

// One observed entry: row, column, rating; 12 bytes.
struct Entry {
  user: u32,
  item: u32,
  value: f32,
}

override FACTOR_BLOCKS: u32;

@group(0) @binding(0) var<storage, read> user_factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> item_factors: array<vec4f>;
@group(0) @binding(2) var<storage, read> user_bias: array<f32>;
@group(0) @binding(3) var<storage, read> item_bias: array<f32>;
@group(0) @binding(4) var<uniform> model: Model;
