// The rows of a block of users, turned for the kernels that rank: vec4 b of p_u for slot s to staged[b * stride + s], and
// mu + b_u to a row after the last. An invocation owns a vec4; slots without a query are zero. A dispatch stages the users of
// one shard and leaves the slots of the others alone.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::ranking::{Query, Ranking};
import package::lib::shard::Shard;

@group(0) @binding(0) var<storage, read> queries: array<Query>;
@group(0) @binding(1) var<storage, read> user_factors: array<vec4f>;
@group(0) @binding(2) var<storage, read> user_bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> staged: array<vec4f>;
@group(0) @binding(4) var<uniform> ranking: Ranking;
@group(0) @binding(5) var<uniform> shard: Shard;

@compute @workgroup_size(WORKGROUP_SIZE)
fn stage_queries(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let part = index / ranking.stride;
  let slot = index % ranking.stride;
  if (part > ranking.blocks) {
    return;
  }
  var row = vec4f();
  if (slot < ranking.queries) {
    let user = queries[slot].user - shard.first;
    if (user >= shard.rows) {
      return;
    }
    if (part < ranking.blocks) {
      row = user_factors[user * ranking.blocks + part];
    } else {
      row.x = ranking.mean + user_bias[user];
    }
  }
  staged[index] = row;
}
