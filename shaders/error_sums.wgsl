// Sums of (r - r_hat)^2 and |r - r_hat| over entries whose r_hat is there, one pair a workgroup: what `errors` sums, to the
// bit, for tables that no single dispatch can reach. An entry is at the place in a workgroup that it has in `errors`, where
// LANES invocations share one. Moves 12 bytes an entry.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::sums::sum_workgroup;

override LANES: u32 = 1;

struct Span {
  entry_count: u32,
}

@group(0) @binding(0) var<storage, read> predicted: array<f32>;
// Of each entry: its place in `predicted`.
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec2f>;
@group(0) @binding(4) var<uniform> span: Span;

@compute @workgroup_size(WORKGROUP_SIZE)
fn error_sums(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  let position = group * (WORKGROUP_SIZE / LANES) + local_index / LANES;
  let entry = min(position, span.entry_count - 1);
  let error = values[entry] - predicted[places[entry]];
  let counts = position < span.entry_count && local_index % LANES == 0;
  let sums = sum_workgroup(select(vec2f(), vec2f(error * error, abs(error)), counts), local_index);
  if (local_index == 0 && group * (WORKGROUP_SIZE / LANES) < span.entry_count) {
    partials[group] = sums;
  }
}
