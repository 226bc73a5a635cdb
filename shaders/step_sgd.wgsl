// Stochastic gradient descent on the rows of a batch: theta -= rate * g.
// Moves 2 * 16 bytes a vec4 of parameters, 16 a segment's vec4.

import package::lib::dispatch::WORKGROUP_SIZE;
import package::lib::step::{place_in_batch, load_parameters, store_parameters, rate_of, run_gradient};

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_sgd(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let at = place_in_batch(workgroup, workgroups, local_index);
  if (!at.inside) {
    return;
  }
  let theta = load_parameters(at.row, at.block);
  store_parameters(at.row, at.block, theta - rate_of(at.block) * run_gradient(at.run, at.block, theta));
}
