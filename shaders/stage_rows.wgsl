// The rows of a model's tables, to the slots of the fused solver: factors as it stores them, and the state (bias, the two
// sums of squares at their start, the entry's share of the row's penalty). `publish_rows` is the way back.
//
// An invocation owns one vec4 of one slot, or its state. A dispatch goes from one shard of the model's table to one of slots.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::stored::pack_factors;

struct Staging {
  moves: u32,
  // First row of the shard of the model's table.
  first_row: u32,
  factor_squares: f32,
  bias_squares: f32,
}

@group(0) @binding(0) var<storage, read> factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<vec2f>;
// (row, slot), each counted from the first of its shard
@group(0) @binding(3) var<storage, read> moves: array<vec2u>;
@if(!f16) @group(0) @binding(4) var<storage, read_write> staged: array<vec4f>;
@if(f16) @group(0) @binding(4) var<storage, read_write> staged: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> state: array<vec4f>;
@group(0) @binding(6) var<uniform> staging: Staging;

@compute @workgroup_size(WORKGROUP_SIZE)
fn stage_rows(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let move_index = index / (FACTOR_BLOCKS + 1);
  let block = index % (FACTOR_BLOCKS + 1);
  if (move_index >= staging.moves) {
    return;
  }
  let row = moves[move_index].x;
  let slot = moves[move_index].y;
  if (block < FACTOR_BLOCKS) {
    // Replicas of a row start from the same bits: the noise is the row's.
    let at = row * FACTOR_BLOCKS + block;
    staged[slot * FACTOR_BLOCKS + block] = pack_factors(factors[at], staging.first_row * FACTOR_BLOCKS + at);
  } else {
    state[slot] = vec4f(bias[row], staging.factor_squares, staging.bias_squares, weights[row].x);
  }
}
