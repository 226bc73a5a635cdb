// The items' phase of one round of Bayesian personalized ranking (Rendle et al., 2009). For each sample of an item's row q,
// one after another, a user u and another item with row o and bias b_o, y = 1 where the row is the positive, -1 where it
// is the negative, with the users' rows and the other items' as they were before the phase:
//
//   x = y (b - b_o + p_u . (q - o)),  c = sigmoid(-x),
//   q <- q + rate (y c p_u - lambda q),  b <- b + rate_b (y c - lambda_b b).
//
// Slices own rows as in `bpr_users`. They read the old table and write the new one, rows without a sample too, so that the
// new one is whole; the two change places for the next round, and rounds are even in number.
//
// With `staged_users` and `staged_items` the rows of samples' users and of their other items lie in the order of the samples,
// the latter behind those of the rows that walk.
//
// Moves 2 k 4 + 12 bytes a sample, and 2 k 4 a row.

import constants::{LANES, VECS};
import package::lib::dispatch::linear_workgroup;
import package::lib::bpr_rows::{AS_NEGATIVE, BprRow, NO_ITEM, batch, rows};
import package::lib::bpr_walk::{Row, inside, ranking_loss, samples_at, steps_of, walk};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::slices::{SLICES, between_sums, sum_first};
@if(subgroups) enable subgroups;

@group(0) @binding(3) var<storage, read> samples: array<vec2u>;
@group(0) @binding(4) var<storage, read> user_factors: array<vec4f>;
@group(0) @binding(5) var<storage, read> item_factors: array<vec4f>;
@group(0) @binding(6) var<storage, read> item_bias: array<f32>;
@group(0) @binding(7) var<storage, read_write> new_factors: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> new_bias: array<f32>;
// Of each row by its place, over the rounds of an epoch, where it is the positive: the sum of -ln sigmoid(x), and the samples.
@group(0) @binding(9) var<storage, read_write> partials: array<vec2f>;

override BIASES: bool;

struct Fetched {
  found: bool,
  // y
  side: f32,
  bias: f32,
  p: Row,
  other: Row,
}

fn sample_at(own: BprRow, step: u32, count: u32) -> vec2u {
  if (step >= count) {
    return vec2u(0, NO_ITEM);
  }
  return samples[own.slot + step];
}

// Row of the user, and that of the other item, of the sample in a slot.
@if(!staged_users) fn user_row(sample: vec2u, slot: u32) -> u32 {
  return sample.x & ~AS_NEGATIVE;
}
@if(staged_users) fn user_row(sample: vec2u, slot: u32) -> u32 {
  return slot;
}
@if(!staged_items) fn other_row(sample: vec2u, slot: u32) -> u32 {
  return sample.y;
}
@if(staged_items) fn other_row(sample: vec2u, slot: u32) -> u32 {
  return walk.staged_start + slot;
}

// Where the row's factors are read.
@if(!staged_items) fn read_row(own: BprRow, place: u32) -> u32 {
  return own.row;
}
@if(staged_items) fn read_row(own: BprRow, place: u32) -> u32 {
  return min(place, walk.rows - 1);
}

fn fetch(sample: vec2u, slot: u32, lane: u32) -> Fetched {
  var fetched: Fetched;
  fetched.found = sample.y != NO_ITEM;
  fetched.side = select(1.0, -1.0, (sample.x & AS_NEGATIVE) != 0);
  if (fetched.found) {
    let user = user_row(sample, slot);
    let other = other_row(sample, slot);
    fetched.bias = item_bias[other];
    for (var v = 0u; v < VECS; v++) {
      let block = v * LANES + lane;
      if (inside(block)) {
        fetched.p[v] = user_factors[user * FACTOR_BLOCKS + block];
        fetched.other[v] = item_factors[other * FACTOR_BLOCKS + block];
      }
    }
  }
  return fetched;
}

@compute @workgroup_size(LANES * SLICES)
fn bpr_items(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  if (group * SLICES >= walk.rows) {
    return;
  }
  // With one slice all that is found through it is uniform, which compilers for CPUs make use of.
  let slice = select(local_index / LANES, 0, SLICES == 1);
  let lane = local_index - slice * LANES;
  let place = group * SLICES + slice;
  let own = rows[min(place, walk.rows - 1)];
  let old_row = read_row(own, place);
  let new_row = own.row - walk.first_row;
  let count = samples_at(place);
  let steps = steps_of(group);

  var q: Row;
  for (var v = 0u; v < VECS; v++) {
    let block = v * LANES + lane;
    if (inside(block)) {
      q[v] = item_factors[old_row * FACTOR_BLOCKS + block];
    }
  }
  var bias = item_bias[old_row];
  let rate = batch.rate * walk.factor_rate;
  let bias_rate = batch.rate * walk.bias_rate;
  var sums = vec2f();
  @if(prefetch) var next = fetch(sample_at(own, 0, count), own.slot, lane);
  @if(prefetch) var coming = sample_at(own, 1, count);
  for (var step = 0u; step < steps; step++) {
    @if(!prefetch) let now = fetch(sample_at(own, step, count), own.slot + step, lane);
    @if(prefetch) let now = next;
    @if(prefetch) {
      next = fetch(coming, own.slot + step + 1, lane);
      coming = sample_at(own, step + 2, count);
    }
    var product = 0.0;
    for (var v = 0u; v < VECS; v++) {
      product += dot(now.p[v], q[v] - now.other[v]);
    }
    let x = now.side * (bias - now.bias + sum_first(product, local_index));
    between_sums();
    if (now.found) {
      let c = now.side / (1.0 + exp(x));
      for (var v = 0u; v < VECS; v++) {
        q[v] += rate * (c * now.p[v] - walk.factor_penalty * q[v]);
      }
      if (BIASES) {
        bias += bias_rate * (c - walk.bias_penalty * bias);
      }
      if (now.side > 0.0) {
        sums += vec2f(ranking_loss(x), 1.0);
      }
    }
  }
  if (place < walk.rows) {
    for (var v = 0u; v < VECS; v++) {
      let block = v * LANES + lane;
      if (inside(block)) {
        new_factors[new_row * FACTOR_BLOCKS + block] = q[v];
      }
    }
    if (lane == 0) {
      new_bias[new_row] = bias;
      if (batch.round > 0) {
        sums += partials[own.place];
      }
      partials[own.place] = sums;
    }
  }
}
