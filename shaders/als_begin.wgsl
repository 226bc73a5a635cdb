// The rows that a block solves, from the model's tables to the slots of `directions`: where conjugate gradient starts.
// An invocation owns one vec4 of a slot. Moves 8 k bytes a row.

import package::lib::als::{AlsBlock, BIASES};
import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;

@group(0) @binding(0) var<storage, read> solved_factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> solved_bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> directions: array<vec4f>;

// (row, first partial, partials, bits of the factor of its penalty) of each slot.
@group(1) @binding(0) var<storage, read> rows: array<vec4u>;
@group(1) @binding(1) var<uniform> row_block: AlsBlock;

@compute @workgroup_size(WORKGROUP_SIZE)
fn als_begin(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let slot = index / (FACTOR_BLOCKS + 1);
  if (slot >= row_block.slots) {
    return;
  }
  let part = index % (FACTOR_BLOCKS + 1);
  let row = rows[slot].x;
  if (part < FACTOR_BLOCKS) {
    directions[index] = solved_factors[row * FACTOR_BLOCKS + part];
  } else {
    directions[index] = vec4f(select(0.0, solved_bias[row], BIASES), 0.0, 0.0, 0.0);
  }
}
