// What every optimizer step shares. An invocation owns one vec4 of one row's parameters theta and its state.
//
// The row's gradient is that of its segments, added in order, plus the penalty's share:
//   g = gradient_scale * sum_s gradient[s] + lambda * count^(nu - 1) * (entries of the row in this batch) * theta
// or, for the dense optimizers, + lambda * theta on every row at every step (coupled weight decay).

import package::lib::dispatch::linear_invocation;
import package::lib::model::FACTOR_BLOCKS;
import package::lib::side::{PARAMETER_BLOCKS, Side, SideBatch};

// (row, its first segment); one more at the end of each batch.
@group(0) @binding(0) var<storage, read> runs: array<vec2u>;
@group(0) @binding(1) var<storage, read> segments: array<u32>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
// A row's count^(nu - 1) and count^nu.
@group(0) @binding(3) var<storage, read> weights: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> factors: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> bias: array<f32>;
@group(0) @binding(6) var<uniform> batch: SideBatch;
@group(0) @binding(7) var<uniform> side: Side;

// The vec4 that an invocation owns: vec4 `block` of the row of a run, and its place in tables of state.
struct Place {
  inside: bool,
  run: u32,
  row: u32,
  block: u32,
  slot: u32,
}

// Over the rows of the batch.
fn place_in_batch(workgroup: vec3u, workgroups: vec3u, local_index: u32) -> Place {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let inside = index < batch.run_count * PARAMETER_BLOCKS;
  let run = batch.run_start + select(0, index / PARAMETER_BLOCKS, inside);
  let row = runs[run].x;
  let block = index % PARAMETER_BLOCKS;
  return Place(inside, run, row, block, row * PARAMETER_BLOCKS + block);
}

fn load_parameters(row: u32, block: u32) -> vec4f {
  if (block < FACTOR_BLOCKS) {
    return factors[row * FACTOR_BLOCKS + block];
  }
  return vec4f(bias[row], 0.0, 0.0, 0.0);
}

fn store_parameters(row: u32, block: u32, theta: vec4f) {
  if (block < FACTOR_BLOCKS) {
    factors[row * FACTOR_BLOCKS + block] = theta;
  } else {
    bias[row] = theta.x;
  }
}

fn rate_of(block: u32) -> f32 {
  return batch.rate * select(side.bias_rate, side.factor_rate, block < FACTOR_BLOCKS);
}

fn penalty_of(block: u32) -> f32 {
  return select(side.bias_penalty, side.factor_penalty, block < FACTOR_BLOCKS);
}

// Sum over the segments of a run.
fn data_gradient(run: u32, block: u32) -> vec4f {
  let first = runs[run].y;
  let end = runs[run + 1].y;
  var sum = vec4f();
  for (var segment = first; segment < end; segment++) {
    sum += gradient[segment * PARAMETER_BLOCKS + block];
  }
  return batch.gradient_scale * sum;
}

fn run_gradient(run: u32, block: u32, theta: vec4f) -> vec4f {
  let entries = segments[batch.segment_start + runs[run + 1].y] - segments[batch.segment_start + runs[run].y];
  let penalty = penalty_of(block) * weights[runs[run].x].x * f32(entries);
  return data_gradient(run, block) + penalty * theta;
}
