// Rows of one shard of a table to a table of chosen rows alone, where a kernel that needs rows of several shards has them in one
// binding; without `gather` the way back. Beside a row's factors goes its bias or, with `slots`, a slot's state. Bits are
// copied as they are.
//
// An invocation owns one vec4 of one row, or what is beside it. Moves 2 k s + 8 or 32 bytes a row.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;

struct Moving {
  moves: u32,
  // Place of the first one.
  first: u32,
}

@if(!f16) @group(0) @binding(0) var<storage, read_write> factors: array<vec4u>;
@if(f16) @group(0) @binding(0) var<storage, read_write> factors: array<vec2u>;
@if(!slots) @group(0) @binding(1) var<storage, read_write> beside: array<u32>;
@if(slots) @group(0) @binding(1) var<storage, read_write> beside: array<vec4u>;
@if(!f16) @group(0) @binding(2) var<storage, read_write> gathered: array<vec4u>;
@if(f16) @group(0) @binding(2) var<storage, read_write> gathered: array<vec2u>;
@if(!slots) @group(0) @binding(3) var<storage, read_write> gathered_beside: array<u32>;
@if(slots) @group(0) @binding(3) var<storage, read_write> gathered_beside: array<vec4u>;
// (row of the shard, row of the table of chosen ones)
@group(0) @binding(4) var<storage, read> moves: array<vec2u>;
@group(0) @binding(5) var<uniform> moving: Moving;

@compute @workgroup_size(WORKGROUP_SIZE)
fn move_rows(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let move_index = index / (FACTOR_BLOCKS + 1);
  let block = index % (FACTOR_BLOCKS + 1);
  if (move_index >= moving.moves) {
    return;
  }
  let row = moves[moving.first + move_index].x;
  let chosen = moves[moving.first + move_index].y;
  if (block < FACTOR_BLOCKS) {
    let at = row * FACTOR_BLOCKS + block;
    let there = chosen * FACTOR_BLOCKS + block;
    @if(gather) {
      gathered[there] = factors[at];
    }
    @if(!gather) {
      factors[at] = gathered[there];
    }
  } else {
    @if(gather) {
      gathered_beside[chosen] = beside[row];
    }
    @if(!gather) {
      beside[row] = gathered_beside[chosen];
    }
  }
}
