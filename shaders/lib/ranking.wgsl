// What the kernels that rank share: a block of queries (users), `groups` workgroups of USERS queries an invocation, over
// a range of items that falls into `splits` parts, each with lists of its own.

struct Ranking {
  queries: u32,
  groups: u32,
  splits: u32,
  // vec4s between two rows of `staged`: the slots of `groups` workgroups.
  stride: u32,
  // vec4s in a row of factors.
  blocks: u32,
  // Items that a list holds at most.
  k: u32,
  // Words that a split counts in.
  bins: u32,
  // mu
  mean: f32,
}

struct Query {
  user: u32,
  // Its slice of `masked`: items, ascending.
  masked_start: u32,
  masked_end: u32,
  // Its slice of `thresholds`: scores, descending, each once.
  threshold_start: u32,
  threshold_end: u32,
}

// The items of one dispatch; `span` of them a split. They lie in one shard, whose first item is `first`.
struct Range {
  start: u32,
  end: u32,
  span: u32,
  first: u32,
}

// By its bits: a compiler may take it that no number is a NaN.
fn is_nan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffff) > 0x7f800000;
}

// score = sum of p_j q_j + ((mu + b_u) + b_i), its operations and their order written out, so that a pair has the same
// bits in every kernel that ranks.

fn add_products(sum: f32, p: vec4f, q: vec4f) -> f32 {
  return fma(p.w, q.w, fma(p.z, q.z, fma(p.y, q.y, fma(p.x, q.x, sum))));
}

fn add_biases(sum: f32, user_base: f32, item_bias: f32) -> f32 {
  return sum + (user_base + item_bias);
}
