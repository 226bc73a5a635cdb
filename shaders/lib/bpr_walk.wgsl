// How a slice walks over a row's samples: lane l holds the vec4s l, l + LANES, ... of the row, VECS of them.

import constants::{LANES, VECS};
import package::lib::bpr_rows::{rows, share_of};
import package::lib::model::FACTOR_BLOCKS;

struct BprWalk {
  rows: u32,
  // SLICES once more, as a number that the compiler does not know: it would unroll the loop over a known one.
  slices: u32,
  // First row of the shard that the rows lie in.
  first_row: u32,
  // Where samples' rows are staged behind the walking ones: the first of their places.
  staged_start: u32,
  factor_rate: f32,
  bias_rate: f32,
  factor_penalty: f32,
  bias_penalty: f32,
}

@group(0) @binding(2) var<uniform> walk: BprWalk;

alias Row = array<vec4f, VECS>;

fn inside(block: u32) -> bool {
  return FACTOR_BLOCKS % LANES == 0 || block < FACTOR_BLOCKS;
}

// A row's samples in this round; none past the last row.
fn samples_at(place: u32) -> u32 {
  if (place >= walk.rows) {
    return 0;
  }
  let share = share_of(rows[place]);
  return share.positives + share.negatives;
}

// The steps of a workgroup, which all of its slices make, so that they meet at the sums: those of its longest row.
fn steps_of(group: u32) -> u32 {
  var steps = 0u;
  for (var slice = 0u; slice < walk.slices; slice++) {
    steps = max(steps, samples_at(group * walk.slices + slice));
  }
  return steps;
}

// -ln sigmoid(x)
fn ranking_loss(x: f32) -> f32 {
  return max(-x, 0.0) + log(1.0 + exp(-abs(x)));
}
