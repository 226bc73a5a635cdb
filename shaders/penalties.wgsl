// The penalty of one side of the matrix, sum over its rows of count^nu * (lambda |p|^2 + lambda_b b^2), one sum a
// workgroup: the second half of the objective. It is not finite where any parameter is not, whatever lambda.
//
// An invocation owns VEC4S vec4s of the tables, WORKGROUP_SIZE apart, so that there is one sum over a workgroup for many
// of them. Reads the tables once, in order.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::side::{PARAMETER_BLOCKS, Side};
import package::lib::sums::sum_workgroup;

@group(0) @binding(0) var<storage, read> factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec2f>;
@group(0) @binding(4) var<uniform> side: Side;

const VEC4S: u32 = 32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn penalties(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  let first = group * WORKGROUP_SIZE * VEC4S;
  let end = side.rows * PARAMETER_BLOCKS;
  var sum = 0.0;
  for (var index = first + local_index; index < min(first + WORKGROUP_SIZE * VEC4S, end); index += WORKGROUP_SIZE) {
    let row = index / PARAMETER_BLOCKS;
    let block = index % PARAMETER_BLOCKS;
    if (block < FACTOR_BLOCKS) {
      let p = factors[row * FACTOR_BLOCKS + block];
      sum += weights[row].y * side.factor_penalty * dot(p, p);
    } else {
      sum += weights[row].y * side.bias_penalty * bias[row] * bias[row];
    }
  }
  let sums = sum_workgroup(vec2f(sum, 0.0), local_index);
  if (local_index == 0 && first < end) {
    partials[group] = sums;
  }
}
