// gradient[s] = - sum over the entries e of segment s of residual[e] * (factors of the other side, and 1 for the bias):
// the gradient of half the squared error with respect to one row, as far as segment s goes.
//
// An invocation owns one vec4 of one segment; the invocations of a segment read the other side's rows in order.
// Moves (k 4 + 4 + 12) bytes an entry, 4 more where permuted, and PARAMETER_BLOCKS * 16 a segment.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::model::{Entry, FACTOR_BLOCKS};
import package::lib::side::{PARAMETER_BLOCKS, SideBatch};

@group(0) @binding(0) var<storage, read> entries: array<Entry>;
@group(0) @binding(1) var<storage, read> segments: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
// Of the other side.
@group(0) @binding(3) var<storage, read> factors: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(5) var<uniform> batch: SideBatch;
// Positions in the batch, whose entries lie sorted by user, in their order by item.
@if(items) @group(0) @binding(6) var<storage, read> order: array<u32>;

@if(items) fn entry_at(position: u32) -> u32 {
  return order[batch.entry_start + position];
}
@if(!items) fn entry_at(position: u32) -> u32 {
  return position;
}

@if(items) fn other_row(entry: u32) -> u32 {
  return entries[entry].user;
}
@if(!items) fn other_row(entry: u32) -> u32 {
  return entries[entry].item;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradients(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let segment = index / PARAMETER_BLOCKS;
  let block = index % PARAMETER_BLOCKS;
  if (segment >= batch.segment_count) {
    return;
  }
  let first = segments[batch.segment_start + segment];
  let end = segments[batch.segment_start + segment + 1];
  var sum = vec4f();
  for (var position = first; position < end; position++) {
    let entry = entry_at(position);
    let error = residual[entry];
    if (block < FACTOR_BLOCKS) {
      sum -= error * factors[other_row(batch.entry_start + entry) * FACTOR_BLOCKS + block];
    } else {
      sum.x -= error;
    }
  }
  gradient[index] = sum;
}
