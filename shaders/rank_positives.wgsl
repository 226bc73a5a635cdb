// Scores of pairs (slot of a query, item), with the bits that they have in `rank_counts`. An invocation owns a pair; a
// dispatch scores those of the items of one shard.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::ranking::{Ranking, add_biases, add_products};
import package::lib::shard::Shard;

struct Span {
  pair_count: u32,
}

@group(0) @binding(0) var<storage, read> staged: array<vec4f>;
@group(0) @binding(1) var<storage, read> item_factors: array<vec4f>;
@group(0) @binding(2) var<storage, read> item_bias: array<f32>;
@group(0) @binding(3) var<storage, read> pairs: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> scored: array<f32>;
@group(0) @binding(5) var<uniform> ranking: Ranking;
@group(0) @binding(6) var<uniform> span: Span;
@group(0) @binding(7) var<uniform> shard: Shard;

@compute @workgroup_size(WORKGROUP_SIZE)
fn rank_positives(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  if (index >= span.pair_count) {
    return;
  }
  let slot = pairs[index].x;
  let item = pairs[index].y - shard.first;
  if (item >= shard.rows) {
    return;
  }
  var sum = 0.0;
  for (var part = 0u; part < ranking.blocks; part++) {
    sum = add_products(sum, staged[part * ranking.stride + slot], item_factors[item * ranking.blocks + part]);
  }
  scored[index] = add_biases(sum, staged[ranking.blocks * ranking.stride + slot].x, item_bias[item]);
}
