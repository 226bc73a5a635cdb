// Rows that samples name, from one shard of their table to a table in which they lie in the order of the samples, where the
// walk over these finds rows of several shards in one binding. Rows of other shards are left to other dispatches. Bits are
// copied as they are.
//
// An invocation owns one vec4 of one sample's row, or its bias. Moves 2 k 4 + 16 bytes a row.

import package::lib::bpr_rows::AS_NEGATIVE;
import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::FACTOR_BLOCKS;

struct SampleStaging {
  // The shard: `rows` rows from `first` on.
  first: u32,
  rows: u32,
  samples: u32,
  // Which of a sample's rows: 0 its user or, where the user walks, its item; 1 the other item.
  word: u32,
  // That of sample s goes to place `start + stride s`.
  start: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> samples: array<vec2u>;
@group(0) @binding(1) var<storage, read> factors: array<vec4u>;
@group(0) @binding(2) var<storage, read> bias: array<u32>;
@group(0) @binding(3) var<storage, read_write> staged: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> staged_bias: array<u32>;
@group(0) @binding(5) var<uniform> staging: SampleStaging;

@compute @workgroup_size(WORKGROUP_SIZE)
fn stage_samples(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let number = index / (FACTOR_BLOCKS + 1);
  let part = index % (FACTOR_BLOCKS + 1);
  if (number >= staging.samples) {
    return;
  }
  let sample = samples[number];
  // Where there is no other item, no shard has the row.
  let row = select(sample.x & ~AS_NEGATIVE, sample.y, staging.word == 1) - staging.first;
  if (row >= staging.rows) {
    return;
  }
  let there = staging.start + staging.stride * number;
  if (part < FACTOR_BLOCKS) {
    staged[there * FACTOR_BLOCKS + part] = factors[row * FACTOR_BLOCKS + part];
  } else {
    staged_bias[there] = bias[row];
  }
}
