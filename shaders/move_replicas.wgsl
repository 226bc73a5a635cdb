// The replicas of heavy rows, from a shard of the slots to a table of replicas alone, where `merge_replicas` has all of them
// in one binding; without `gather` the way back. Bits are copied as they are.
//
// An invocation owns one vec4 of one replica, or its state. Moves 2 k s + 32 bytes a replica.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;

struct Moving {
  replicas: u32,
}

@if(!f16) @group(0) @binding(0) var<storage, read_write> factors: array<vec4u>;
@if(f16) @group(0) @binding(0) var<storage, read_write> factors: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> state: array<vec4u>;
@if(!f16) @group(0) @binding(2) var<storage, read_write> gathered: array<vec4u>;
@if(f16) @group(0) @binding(2) var<storage, read_write> gathered: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> gathered_state: array<vec4u>;
// (slot in the shard, replica)
@group(0) @binding(4) var<storage, read> moves: array<vec2u>;
@group(0) @binding(5) var<uniform> moving: Moving;

@compute @workgroup_size(WORKGROUP_SIZE)
fn move_replicas(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let move_index = index / (FACTOR_BLOCKS + 1);
  let block = index % (FACTOR_BLOCKS + 1);
  if (move_index >= moving.replicas) {
    return;
  }
  let slot = moves[move_index].x;
  let replica = moves[move_index].y;
  if (block < FACTOR_BLOCKS) {
    let at = slot * FACTOR_BLOCKS + block;
    let there = replica * FACTOR_BLOCKS + block;
    @if(gather) {
      gathered[there] = factors[at];
    }
    @if(!gather) {
      factors[at] = gathered[there];
    }
  } else {
    @if(gather) {
      gathered_state[replica] = state[slot];
    }
    @if(!gather) {
      state[slot] = gathered_state[replica];
    }
  }
}
