// Stochastic gradient descent on the rows of a batch: theta -= rate * g.
// Moves 2 * 16 bytes a vec4 of parameters, 16 a segment's vec4.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::side::PARAMETER_BLOCKS;
import package::lib::step::{batch, runs, load_parameters, store_parameters, rate_of, run_gradient};

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_sgd(
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
  store_parameters(row, block, theta - rate_of(block) * run_gradient(run, block, theta));
}
