// The penalty of one side of the matrix, sum over its rows of count^nu * (lambda |p|^2 + lambda_b b^2), one sum a
// workgroup: the second half of the objective. It is not finite where any parameter is not, whatever lambda.
//
// An invocation owns one vec4 of one row. Reads the tables once, in order.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation, linear_workgroup};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::side::{PARAMETER_BLOCKS, Side};
import package::lib::sums::sum_workgroup;

@group(0) @binding(0) var<storage, read> factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec2f>;
@group(0) @binding(4) var<uniform> side: Side;

@compute @workgroup_size(WORKGROUP_SIZE)
fn penalties(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let row = min(index / PARAMETER_BLOCKS, side.rows - 1);
  let block = index % PARAMETER_BLOCKS;
  var squares = 0.0;
  if (block < FACTOR_BLOCKS) {
    let p = factors[row * FACTOR_BLOCKS + block];
    squares = side.factor_penalty * dot(p, p);
  } else {
    squares = side.bias_penalty * bias[row] * bias[row];
  }
  let inside = index < side.rows * PARAMETER_BLOCKS;
  let sums = sum_workgroup(vec2f(select(0.0, weights[row].y * squares, inside), 0.0), local_index);
  let group = linear_workgroup(workgroup, workgroups);
  if (local_index == 0 && group * WORKGROUP_SIZE < side.rows * PARAMETER_BLOCKS) {
    partials[group] = sums;
  }
}
