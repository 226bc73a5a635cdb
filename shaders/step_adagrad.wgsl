// AdaGrad (Duchi, Hazan and Singer, 2011), diagonal, on the rows of a batch: s += g^2; theta -= rate * g / (sqrt(s) +
// epsilon). A row without a gradient would not move, so the rows of the batch are all there is to do.
// Moves 4 * 16 bytes a vec4 of parameters, 16 a segment's vec4.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::side::PARAMETER_BLOCKS;
import package::lib::step::{batch, side, runs, load_parameters, store_parameters, rate_of, run_gradient};

@group(1) @binding(0) var<storage, read_write> squares: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_adagrad(
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
  let g = run_gradient(run, block, theta);
  let slot = row * PARAMETER_BLOCKS + block;
  let s = squares[slot] + g * g;
  squares[slot] = s;
  store_parameters(row, block, theta - rate_of(block) * g / (sqrt(s) + side.epsilon));
}
