// The slots of the fused solver, back to the rows of the model's tables: factors as f32, and biases. A row without a slot
// has no entries and stays as it is; of a row's replicas, which are equal after a merge, the first is taken.
//
// An invocation owns one vec4 of one row, or its bias. A dispatch goes from one shard of slots to one of the model's table.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::stored::unpack_factors;

struct Publishing {
  moves: u32,
}

@if(!f16) @group(0) @binding(0) var<storage, read> staged: array<vec4f>;
@if(f16) @group(0) @binding(0) var<storage, read> staged: array<vec2u>;
@group(0) @binding(1) var<storage, read> state: array<vec4f>;
// (row, slot), each counted from the first of its shard
@group(0) @binding(2) var<storage, read> moves: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> factors: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> bias: array<f32>;
@group(0) @binding(5) var<uniform> publishing: Publishing;

@compute @workgroup_size(WORKGROUP_SIZE)
fn publish_rows(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let move_index = index / (FACTOR_BLOCKS + 1);
  let block = index % (FACTOR_BLOCKS + 1);
  if (move_index >= publishing.moves) {
    return;
  }
  let row = moves[move_index].x;
  let slot = moves[move_index].y;
  if (block < FACTOR_BLOCKS) {
    factors[row * FACTOR_BLOCKS + block] = unpack_factors(staged[slot * FACTOR_BLOCKS + block]);
  } else {
    bias[row] = state[slot].x;
  }
}
