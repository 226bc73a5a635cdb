// r_hat for pairs of a user and an item; with CLIP clipped to the range of the ratings. Ownership as in `residuals`.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::model;
import package::lib::score::{LANES, lane_score};
import package::lib::link::prediction;
import package::lib::sums::sum_lanes;

override CLIP: bool = false;

struct Span {
  pair_start: u32,
  pair_end: u32,
}

@group(1) @binding(0) var<storage, read> pairs: array<vec2u>;
@group(1) @binding(1) var<storage, read_write> predicted: array<f32>;
@group(1) @binding(2) var<uniform> span: Span;

@compute @workgroup_size(WORKGROUP_SIZE)
fn predictions(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let first = span.pair_start + linear_workgroup(workgroup, workgroups) * (WORKGROUP_SIZE / LANES);
  let position = first + local_index / LANES;
  let lane = local_index % LANES;
  let pair = pairs[min(position, span.pair_end - 1)];

  var value = prediction(sum_lanes(lane_score(pair.x, pair.y, lane), local_index));
  if (CLIP) {
    value = clamp(value, model.minimum, model.maximum);
  }
  if (position < span.pair_end && lane == 0) {
    predicted[position] = value;
  }
}
