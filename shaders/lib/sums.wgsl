// Sums over the invocations of a workgroup, in a fixed order, through workgroup memory. Every invocation must call them.

import package::lib::dispatch::WORKGROUP_SIZE;
import package::lib::score::LANES;

var<workgroup> sh_lanes: array<f32, WORKGROUP_SIZE>;
var<workgroup> sh_pairs: array<vec2f, WORKGROUP_SIZE>;

// The sum over the LANES invocations that share one score; LANES is a power of two.
fn sum_lanes(value: f32, local_index: u32) -> f32 {
  if (LANES == 1) {
    return value;
  }
  sh_lanes[local_index] = value;
  workgroupBarrier();
  for (var half = LANES / 2; half > 0; half /= 2) {
    if (local_index % LANES < half) {
      sh_lanes[local_index] += sh_lanes[local_index + half];
    }
    workgroupBarrier();
  }
  return sh_lanes[local_index - local_index % LANES];
}

// The sum over the workgroup, valid in invocation 0.
fn sum_workgroup(value: vec2f, local_index: u32) -> vec2f {
  sh_pairs[local_index] = value;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2; half > 0; half /= 2) {
    if (local_index < half) {
      sh_pairs[local_index] += sh_pairs[local_index + half];
    }
    workgroupBarrier();
  }
  return sh_pairs[0];
}
