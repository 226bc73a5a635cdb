// theta[s] = sum over the replicas t of a row of share[t] * theta[t], for every replica s: a heavy row's replicas, which
// went their own ways over tiles of their own, meet at the mean, weighted by their entries. Shares add up to 1.
//
// An invocation owns one vec4 of one heavy row, or its state; it adds the replicas in order.
// Moves 2 k s + 32 bytes a replica.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::stratum::Stratum;
import package::lib::stored::{pack_factors, unpack_factors};

struct Merge {
  heavy_rows: u32,
}

@if(!f16) @group(0) @binding(0) var<storage, read_write> factors: array<vec4f>;
@if(f16) @group(0) @binding(0) var<storage, read_write> factors: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> state: array<vec4f>;
// First replica of each heavy row, and the end.
@group(0) @binding(2) var<storage, read> heavy: array<u32>;
// (slot, bits of its share)
@group(0) @binding(3) var<storage, read> replicas: array<vec2u>;
@group(0) @binding(4) var<uniform> batch: Stratum;
@group(0) @binding(5) var<uniform> merge: Merge;

@compute @workgroup_size(WORKGROUP_SIZE)
fn merge_replicas(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let row = index / (FACTOR_BLOCKS + 1);
  let block = index % (FACTOR_BLOCKS + 1);
  if (row >= merge.heavy_rows) {
    return;
  }
  let first = heavy[row];
  let end = heavy[row + 1];
  var mean = vec4f();
  if (block < FACTOR_BLOCKS) {
    for (var r = first; r < end; r++) {
      mean += bitcast<f32>(replicas[r].y) * unpack_factors(factors[replicas[r].x * FACTOR_BLOCKS + block]);
    }
    // The same bits for all of them.
    let stored = pack_factors(mean, batch.noise ^ index);
    for (var r = first; r < end; r++) {
      factors[replicas[r].x * FACTOR_BLOCKS + block] = stored;
    }
  } else {
    for (var r = first; r < end; r++) {
      mean += bitcast<f32>(replicas[r].y) * state[replicas[r].x];
    }
    for (var r = first; r < end; r++) {
      state[replicas[r].x] = mean;
    }
  }
}
