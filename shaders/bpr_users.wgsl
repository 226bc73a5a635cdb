// The users' phase of one round of Bayesian personalized ranking (Rendle et al., 2009). For each sample (i, j) of user u,
// one after another, with the items' rows as they are:
//
//   x = b_i - b_j + p_u . (q_i - q_j),  c = sigmoid(-x),
//   p_u <- p_u + rate (c (q_i - q_j) - lambda p_u).
//
// LANES neighbouring invocations, a slice, own one user's row, which they read and write once; slice x of workgroup A has
// row A SLICES + x of `rows`. Nobody else touches it, and nobody writes what others read, so the result is the same
// whatever the order in which workgroups run. With `prefetch` the next sample's rows are under way while one is worked on.
//
// With `staged`, the items' rows lie in the order of the samples, each one's positive before its negative.
//
// Moves 2 k 4 + 16 bytes a sample, and 2 k 4 a row.

import constants::{LANES, VECS};
import package::lib::dispatch::linear_workgroup;
import package::lib::bpr_rows::{BprRow, NO_ITEM, batch, rows};
import package::lib::bpr_walk::{Row, inside, ranking_loss, samples_at, steps_of, walk};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::slices::{SLICES, between_sums, sum_first};
@if(subgroups) enable subgroups;

@group(0) @binding(3) var<storage, read> samples: array<vec2u>;
@group(0) @binding(4) var<storage, read> item_factors: array<vec4f>;
@group(0) @binding(5) var<storage, read> item_bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> user_factors: array<vec4f>;
// Of each row by its place, over the rounds of an epoch: the sum of -ln sigmoid(x), and the samples.
@group(0) @binding(7) var<storage, read_write> partials: array<vec2f>;

// q_i - q_j and b_i - b_j.
struct Fetched {
  found: bool,
  bias: f32,
  difference: Row,
}

fn sample_at(own: BprRow, step: u32, count: u32) -> vec2u {
  if (step >= count) {
    return vec2u(0, NO_ITEM);
  }
  return samples[own.slot + step];
}

// Rows of the positive and the negative of the sample in a slot.
@if(!staged) fn rows_of(sample: vec2u, slot: u32) -> vec2u {
  return sample;
}
@if(staged) fn rows_of(sample: vec2u, slot: u32) -> vec2u {
  return vec2u(2 * slot, 2 * slot + 1);
}

fn fetch(sample: vec2u, slot: u32, lane: u32) -> Fetched {
  var fetched: Fetched;
  fetched.found = sample.y != NO_ITEM;
  if (fetched.found) {
    let items = rows_of(sample, slot);
    fetched.bias = item_bias[items.x] - item_bias[items.y];
    for (var v = 0u; v < VECS; v++) {
      let block = v * LANES + lane;
      if (inside(block)) {
        let positive = item_factors[items.x * FACTOR_BLOCKS + block];
        fetched.difference[v] = positive - item_factors[items.y * FACTOR_BLOCKS + block];
      }
    }
  }
  return fetched;
}

@compute @workgroup_size(LANES * SLICES)
fn bpr_users(
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
  let own_row = own.row - walk.first_row;
  let count = samples_at(place);
  let steps = steps_of(group);

  var p: Row;
  if (count > 0) {
    for (var v = 0u; v < VECS; v++) {
      let block = v * LANES + lane;
      if (inside(block)) {
        p[v] = user_factors[own_row * FACTOR_BLOCKS + block];
      }
    }
  }
  let rate = batch.rate * walk.factor_rate;
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
      product += dot(p[v], now.difference[v]);
    }
    let x = now.bias + sum_first(product, local_index);
    between_sums();
    if (now.found) {
      let c = 1.0 / (1.0 + exp(x));
      for (var v = 0u; v < VECS; v++) {
        p[v] += rate * (c * now.difference[v] - walk.factor_penalty * p[v]);
      }
      sums += vec2f(ranking_loss(x), 1.0);
    }
  }
  if (count > 0) {
    for (var v = 0u; v < VECS; v++) {
      let block = v * LANES + lane;
      if (inside(block)) {
        user_factors[own_row * FACTOR_BLOCKS + block] = p[v];
      }
    }
  }
  if (lane == 0 && place < walk.rows) {
    if (batch.round > 0) {
      sums += partials[own.place];
    }
    partials[own.place] = sums;
  }
}
