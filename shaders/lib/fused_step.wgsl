// What an entry does to a slot's bias and sums of squares.

import package::lib::fused_rows::batch;

override ADAGRAD: bool;
override BIASES: bool;

struct Fused {
  workgroups: u32,
  strata: u32,
  held_rate: f32,
  streamed_rate: f32,
  bias_rate: f32,
  held_penalty: f32,
  streamed_penalty: f32,
  bias_penalty: f32,
  // 1 / k
  component: f32,
}

@group(1) @binding(4) var<uniform> options: Fused;

// What a sum of squares does to a rate.
fn damped(rate: f32, squares: f32) -> f32 {
  if (ADAGRAD) {
    return batch.rate * rate * inverseSqrt(squares);
  }
  return batch.rate * rate;
}

// Bias and sums of squares after an entry; `square` is the mean squared component of the factors' gradient.
fn stepped(state: vec4f, slope_error: f32, square: f32) -> vec4f {
  var next = state;
  if (BIASES) {
    next.x -= damped(options.bias_rate, state.z) * (options.bias_penalty * state.w * state.x - slope_error);
  }
  if (ADAGRAD) {
    next.y += square;
    next.z += slope_error * slope_error;
  }
  return next;
}
