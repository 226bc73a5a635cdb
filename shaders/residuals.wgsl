// residual[e] = (r - r_hat) * d r_hat / d score for the entries of one batch, and the sums of (r - r_hat)^2 and
// |r - r_hat| of each workgroup.
//
// LANES invocations own an entry, WORKGROUP_SIZE / LANES entries a workgroup.
// Moves 2 k 4 + 8 (biases) + 12 (entry) + 4 (residual) bytes an entry; rows are gathered, in whole vec4s.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::Entry;
import package::lib::score::{LANES, lane_score};
import package::lib::link::{prediction, prediction_slope};
import package::lib::sums::{sum_lanes, sum_workgroup};

struct Batch {
  entry_start: u32,
  entry_count: u32,
  partial_start: u32,
}

@group(1) @binding(0) var<storage, read> entries: array<Entry>;
@group(1) @binding(1) var<storage, read_write> residual: array<f32>;
@group(1) @binding(2) var<storage, read_write> partials: array<vec2f>;
@group(1) @binding(3) var<uniform> batch: Batch;

@compute @workgroup_size(WORKGROUP_SIZE)
fn residuals(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  let position = group * (WORKGROUP_SIZE / LANES) + local_index / LANES;
  let lane = local_index % LANES;
  let inside = position < batch.entry_count;
  let entry = entries[batch.entry_start + min(position, batch.entry_count - 1)];

  let score = sum_lanes(lane_score(entry.user, entry.item, lane), local_index);
  let error = entry.value - prediction(score);
  let counts = inside && lane == 0;
  if (counts) {
    residual[position] = error * prediction_slope(score);
  }
  let sums = sum_workgroup(select(vec2f(), vec2f(error * error, abs(error)), counts), local_index);
  if (local_index == 0 && group * (WORKGROUP_SIZE / LANES) < batch.entry_count) {
    partials[batch.partial_start + group] = sums;
  }
}
