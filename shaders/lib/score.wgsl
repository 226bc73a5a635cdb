// score(u, i) = mu + b_u + b_i + p_u . q_i, by LANES neighbouring invocations: each takes every LANES-th vec4, so that
// together they read a row in order. A user or an item outside of the tables adds nothing.

import package::lib::model::{FACTOR_BLOCKS, model, user_factors, item_factors, user_bias, item_bias};

override LANES: u32 = 1;

fn lane_score(user: u32, item: u32, lane: u32) -> f32 {
  let known_user = user < model.users;
  let known_item = item < model.items;
  var sum = 0.0;
  if (known_user && known_item) {
    for (var block = lane; block < model.blocks; block += LANES) {
      sum += dot(user_factors[user * FACTOR_BLOCKS + block], item_factors[item * FACTOR_BLOCKS + block]);
    }
  }
  if (lane == 0) {
    sum += model.mean;
    if (known_user) {
      sum += user_bias[user];
    }
    if (known_item) {
      sum += item_bias[item];
    }
  }
  return sum;
}
