// Sums of (r - r_hat)^2 and |r - r_hat| over observed entries, one pair a workgroup: RMSE and MAE after a `reduce`.
// With CLIP, r_hat is clipped to the range of the ratings. Ownership and traffic as in `residuals`, without the
// residual.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::{Entry, model};
import package::lib::score::{LANES, lane_score};
import package::lib::link::prediction;
import package::lib::sums::{sum_lanes, sum_workgroup};

override CLIP: bool = false;

struct Span {
  entry_count: u32,
}

@group(1) @binding(0) var<storage, read> entries: array<Entry>;
@group(1) @binding(1) var<storage, read_write> partials: array<vec2f>;
@group(1) @binding(2) var<uniform> span: Span;

@compute @workgroup_size(WORKGROUP_SIZE)
fn errors(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  let position = group * (WORKGROUP_SIZE / LANES) + local_index / LANES;
  let lane = local_index % LANES;
  let entry = entries[min(position, span.entry_count - 1)];

  var predicted = prediction(sum_lanes(lane_score(entry.user, entry.item, lane), local_index));
  if (CLIP) {
    predicted = clamp(predicted, model.minimum, model.maximum);
  }
  let error = entry.value - predicted;
  let counts = position < span.entry_count && lane == 0;
  let sums = sum_workgroup(select(vec2f(), vec2f(error * error, abs(error)), counts), local_index);
  if (local_index == 0 && group * (WORKGROUP_SIZE / LANES) < span.entry_count) {
    partials[group] = sums;
  }
}
