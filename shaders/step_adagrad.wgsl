// AdaGrad (Duchi, Hazan and Singer, 2011), diagonal, on the rows of a batch: s += g^2; theta -= rate * g / (sqrt(s) +
// epsilon). A row without a gradient would not move, so the rows of the batch are all there is to do.
// Moves 4 * 16 bytes a vec4 of parameters, 16 a segment's vec4.

import package::lib::dispatch::WORKGROUP_SIZE;
import package::lib::step::{side, place_in_batch, load_parameters, store_parameters, rate_of, run_gradient};

@group(1) @binding(0) var<storage, read_write> squares: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_adagrad(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let at = place_in_batch(workgroup, workgroups, local_index);
  if (!at.inside) {
    return;
  }
  let theta = load_parameters(at.row, at.block);
  let g = run_gradient(at.run, at.block, theta);
  let s = squares[at.slot] + g * g;
  squares[at.slot] = s;
  store_parameters(at.row, at.block, theta - rate_of(at.block) * g / (sqrt(s) + side.epsilon));
}
