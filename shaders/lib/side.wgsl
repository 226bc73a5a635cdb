// What the kernels over one side of the matrix (its users or its items) share.
//
// A batch's entries, sorted by row, fall into runs (one a row), a run into segments of bounded length, so that a heavy
// row's gradient is the work of many invocations. A batch counts its entries, runs and segments from its own start.

struct SideBatch {
  // Where the batch's tables begin: its first run, its first segment, its first entry.
  first_run: u32,
  segment_start: u32,
  entry_start: u32,
  // Runs of the batch, or of those of its rows that lie in one shard.
  run_start: u32,
  run_count: u32,
  segment_count: u32,
  // Factor of the data's gradient: 1 for the sum over the batch, 2 / entries for the gradient of its mean square.
  gradient_scale: f32,
  // Factor of the learning rates: the schedule, and Adam's bias corrections 1 - beta^t.
  rate: f32,
  correction_1: f32,
  correction_2: f32,
}

struct Side {
  factor_rate: f32,
  bias_rate: f32,
  factor_penalty: f32,
  bias_penalty: f32,
  momentum: f32,
  beta_1: f32,
  beta_2: f32,
  epsilon: f32,
  rows: u32,
}

// A row of gradients or of optimizer state: FACTOR_BLOCKS vec4s for the factors, and with biases one more, whose x is
// the bias.
override PARAMETER_BLOCKS: u32;
