// score(u, i) of a few users against all items, before the link, which keeps the order: scores[q * items + i] for the
// q-th user asked for. LANES invocations own a score; an item's row is read once a user.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::model;
import package::lib::score::{LANES, lane_score};
import package::lib::sums::sum_lanes;

struct Query {
  user_count: u32,
}

@group(1) @binding(0) var<storage, read> users: array<u32>;
@group(1) @binding(1) var<storage, read_write> scored: array<f32>;
@group(1) @binding(2) var<uniform> query: Query;

@compute @workgroup_size(WORKGROUP_SIZE)
fn scores(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let position = linear_workgroup(workgroup, workgroups) * (WORKGROUP_SIZE / LANES) + local_index / LANES;
  let lane = local_index % LANES;
  let inside = position < query.user_count * model.items;
  let user = users[select(0, position / model.items, inside)];

  let score = sum_lanes(lane_score(user, position % model.items, lane), local_index);
  if (inside && lane == 0) {
    scored[position] = score;
  }
}
