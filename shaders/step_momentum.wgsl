// Momentum (Polyak, 1964) on the rows of a batch: v = momentum * v + g; theta -= rate * v. The velocity of a row that
// a batch does not hold rests, as frameworks do it for sparse gradients.
// Moves 4 * 16 bytes a vec4 of parameters, 16 a segment's vec4.

import package::lib::dispatch::WORKGROUP_SIZE;
import package::lib::step::{side, place_in_batch, load_parameters, store_parameters, rate_of, run_gradient};

@group(1) @binding(0) var<storage, read_write> velocity: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_momentum(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let at = place_in_batch(workgroup, workgroups, local_index);
  if (!at.inside) {
    return;
  }
  let theta = load_parameters(at.row, at.block);
  let v = side.momentum * velocity[at.slot] + run_gradient(at.run, at.block, theta);
  velocity[at.slot] = v;
  store_parameters(at.row, at.block, theta - rate_of(at.block) * v);
}
