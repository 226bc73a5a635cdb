// The rows of a batch that lie in one shard of a side to a table of the batch's rows alone, in the order of their runs, where
// kernels find them by the places that entries name. Bits are copied as they are.
//
// An invocation owns one vec4 of one row, or its bias. Moves 2 k 4 + 16 bytes a row.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::side::SideBatch;

// (row of the shard, its first segment)
@group(0) @binding(0) var<storage, read> runs: array<vec2u>;
@group(0) @binding(1) var<storage, read> factors: array<vec4u>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read_write> gathered: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> gathered_bias: array<u32>;
@group(0) @binding(5) var<uniform> batch: SideBatch;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gather_runs(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let place = index / (FACTOR_BLOCKS + 1);
  let part = index % (FACTOR_BLOCKS + 1);
  if (place >= batch.run_count) {
    return;
  }
  let run = batch.run_start + place;
  let row = runs[run].x;
  let there = run - batch.first_run;
  if (part < FACTOR_BLOCKS) {
    gathered[there * FACTOR_BLOCKS + part] = factors[row * FACTOR_BLOCKS + part];
  } else {
    gathered_bias[there] = bias[row];
  }
}
