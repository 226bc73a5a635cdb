// A workgroup of SLICES slices, each of LANES neighbouring invocations that share one row. LANES is a power of two.
//
// Sums over a slice: by shuffles where the device has subgroups of at least LANES lanes, which then hold whole slices
// (`shuffle_probe` has a look); otherwise through workgroup memory. Either way in a fixed order, and every lane gets the
// same bits. All invocations of a workgroup must call them, `sum_first` and then `sum_second` or `between_sums`, or `sum_three` with
// a `turn` of 0 and 1 by turns: with two arrays, one barrier a sum does.

import constants::LANES;

override SLICES: u32;

@if(!subgroups) var<workgroup> sh_first: array<f32, LANES * SLICES>;
@if(!subgroups) var<workgroup> sh_second: array<vec2f, LANES * SLICES>;
@if(!subgroups) var<workgroup> sh_three: array<vec3f, 2 * LANES * SLICES>;

@if(subgroups) fn sum_first(value: f32, local_index: u32) -> f32 {
  var sum = value;
  if (LANES > 1) {
    sum += subgroupShuffleXor(sum, 1);
  }
  if (LANES > 2) {
    sum += subgroupShuffleXor(sum, 2);
  }
  if (LANES > 4) {
    sum += subgroupShuffleXor(sum, 4);
  }
  if (LANES > 8) {
    sum += subgroupShuffleXor(sum, 8);
  }
  if (LANES > 16) {
    sum += subgroupShuffleXor(sum, 16);
  }
  return sum;
}

@if(subgroups) fn sum_second(value: vec2f, local_index: u32) -> vec2f {
  var sum = value;
  if (LANES > 1) {
    sum += subgroupShuffleXor(sum, 1);
  }
  if (LANES > 2) {
    sum += subgroupShuffleXor(sum, 2);
  }
  if (LANES > 4) {
    sum += subgroupShuffleXor(sum, 4);
  }
  if (LANES > 8) {
    sum += subgroupShuffleXor(sum, 8);
  }
  if (LANES > 16) {
    sum += subgroupShuffleXor(sum, 16);
  }
  return sum;
}

@if(!subgroups) fn sum_first(value: f32, local_index: u32) -> f32 {
  if (LANES == 1) {
    return value;
  }
  sh_first[local_index] = value;
  workgroupBarrier();
  let start = local_index - local_index % LANES;
  var sum = sh_first[start];
  for (var lane = 1u; lane < LANES; lane++) {
    sum += sh_first[start + lane];
  }
  return sum;
}

@if(!subgroups) fn sum_second(value: vec2f, local_index: u32) -> vec2f {
  if (LANES == 1) {
    return value;
  }
  sh_second[local_index] = value;
  workgroupBarrier();
  let start = local_index - local_index % LANES;
  var sum = sh_second[start];
  for (var lane = 1u; lane < LANES; lane++) {
    sum += sh_second[start + lane];
  }
  return sum;
}

@if(subgroups) fn sum_three(value: vec3f, local_index: u32, turn: u32) -> vec3f {
  var sum = value;
  if (LANES > 1) {
    sum += subgroupShuffleXor(sum, 1);
  }
  if (LANES > 2) {
    sum += subgroupShuffleXor(sum, 2);
  }
  if (LANES > 4) {
    sum += subgroupShuffleXor(sum, 4);
  }
  if (LANES > 8) {
    sum += subgroupShuffleXor(sum, 8);
  }
  if (LANES > 16) {
    sum += subgroupShuffleXor(sum, 16);
  }
  return sum;
}

@if(!subgroups) fn sum_three(value: vec3f, local_index: u32, turn: u32) -> vec3f {
  if (LANES == 1) {
    return value;
  }
  let half = turn * LANES * SLICES;
  sh_three[half + local_index] = value;
  workgroupBarrier();
  let start = half + local_index - local_index % LANES;
  var sum = sh_three[start];
  for (var lane = 1u; lane < LANES; lane++) {
    sum += sh_three[start + lane];
  }
  return sum;
}

// In place of a `sum_second` that is not needed.
@if(subgroups) fn between_sums() {}
@if(!subgroups) fn between_sums() {
  if (LANES > 1) {
    workgroupBarrier();
  }
}
