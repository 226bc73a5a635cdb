// Momentum (Polyak, 1964) on the rows of a batch: v = momentum * v + g; theta -= rate * v. The velocity of a row that
// a batch does not hold rests, as frameworks do it for sparse gradients.
// Moves 4 * 16 bytes a vec4 of parameters, 16 a segment's vec4.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::side::PARAMETER_BLOCKS;
import package::lib::step::{batch, side, runs, load_parameters, store_parameters, rate_of, run_gradient};

@group(1) @binding(0) var<storage, read_write> velocity: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_momentum(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  if (index >= batch.run_count * PARAMETER_BLOCKS) {
    return;
  }
  let run = batch.run_start + index / PARAMETER_BLOCKS;
  let block = index % PARAMETER_BLOCKS;
  let row = runs[run].x;
  let theta = load_parameters(row, block);
  let slot = row * PARAMETER_BLOCKS + block;
  let v = side.momentum * velocity[slot] + run_gradient(run, block, theta);
  velocity[slot] = v;
  store_parameters(row, block, theta - rate_of(block) * v);
}
