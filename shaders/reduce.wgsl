// Sums an array of pairs: each workgroup strides over all of it and leaves one pair, in a fixed order. The host adds
// the few that are left in double precision.

import package::lib::dispatch::WORKGROUP_SIZE;
import package::lib::sums::sum_workgroup;

struct Span {
  pair_count: u32,
}

@group(0) @binding(0) var<storage, read> pairs: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec2f>;
@group(0) @binding(2) var<uniform> span: Span;

@compute @workgroup_size(WORKGROUP_SIZE)
fn reduce(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  var sum = vec2f();
  let stride = workgroups.x * WORKGROUP_SIZE;
  for (var i = workgroup.x * WORKGROUP_SIZE + local_index; i < span.pair_count; i += stride) {
    sum += pairs[i];
  }
  sum = sum_workgroup(sum, local_index);
  if (local_index == 0) {
    sums[workgroup.x] = sum;
  }
}
