// Stochastic gradient descent, entry by entry, over one stratum of tiles. For each observed entry (u, i, r), one after
// another within a tile:
//
//   e = r - r_hat,  d = e * (d r_hat / d score),  r_hat = link(mu + b_u + b_i + p_u . q_i)
//   p_u <- p_u - rate_u (w_u lambda_u p_u - d q_i),  q_i likewise from the old p_u,
//   b_u <- b_u - rate_b (w_u lambda_b b_u - d),      b_i likewise,
//
// where w = count^(nu - 1) is an entry's share of its row's penalty. With ADAGRAD the rates are divided by the square
// roots of two sums a row, as they were before this entry: of the mean squared component of the factors' gradients (Chin
// et al., A learning-rate schedule for stochastic gradient methods to matrix factorization, 2015: LIBMF), and of d^2 for
// the bias.
//
// LANES neighbouring invocations, a slice, own one row at a time, VECS vec4s each; slice x of workgroup A works on held block
// A S + x. A held row stays in registers over its run of entries; the streamed row is read and written once an entry. No
// two slices share a row between two barriers (`src/layout/tiles.ts`), so the result is the same whatever the order in
// which workgroups run. Nested, the slices of a workgroup share a tile, with barriers of their own; otherwise each has one.
// With `sharded` the slots of a side lie in several buffers, and a dispatch works on the part of a stratum whose held rows lie
// in one of them and whose streamed rows in another: on its workers alone.
// With `prefetch` the rows of four entries, of both sides, are read at once, before the first of them is worked on.
//
// Moves 2 k s (s = 4 or 2 bytes a factor) + 32 (state) + 8 (entry) bytes an entry, and 2 k s + 32 a run. The 2 k s alone
// come to 62% (k = 32) and 76% (k = 128) of a copy's rate on lavapipe; all bytes to 45% of it on an H200 (k = 128, f32), where
// waiting binds: docs/performance.md.

import constants::{LANES, VECS};
import package::lib::dispatch::linear_workgroup;
import package::lib::fused_rows::{Row, batch, held_state, streamed_state, load_held, load_streamed, moved, products, store_held, store_streamed};
import package::lib::fused_step::{ADAGRAD, options, damped, stepped};
import package::lib::model::model;
import package::lib::link::{prediction, prediction_slope};
import package::lib::slices::{SLICES, between_sums, sum_first, sum_three};
@if(subgroups) enable subgroups;

// Sums of e^2 and |e| of each slice.
@group(0) @binding(5) var<storage, read_write> partials: array<vec2f>;

// (bits of r, place in the held block << 16 | place in the streamed block)
@group(1) @binding(0) var<storage, read> entries: array<vec2u>;
// SLICES + 2 words for each (stratum, workgroup, sub-stratum): the bounds of its tiles in the stratum, the length of the
// longest.
@group(1) @binding(1) var<storage, read> tiles: array<u32>;
// First slot of each held block in its shard, then of each streamed block.
@group(1) @binding(2) var<storage, read> blocks: array<u32>;

const NO_SLOT: u32 = 0xffffffff;

// Workers of a workgroup.
@if(nested) const WORKERS: u32 = 1;
@if(!nested) override WORKERS: u32 = SLICES;

@if(nested) override SUB_STRATA: u32 = SLICES;
@if(!nested) const SUB_STRATA: u32 = 1;

// A streamed row and its slot.
struct Streamed {
  slot: u32,
  q: Row,
  q_state: vec4f,
}

struct Held {
  slot: u32,
  p: Row,
  p_state: vec4f,
}

struct Tile {
  held_start: u32,
  streamed_start: u32,
  first: u32,
  end: u32,
  lane: u32,
  local_index: u32,
}

fn held_place(entry: vec2u) -> u32 {
  return entry.y >> 16;
}

fn streamed_place(entry: vec2u) -> u32 {
  return entry.y & 0xffff;
}

fn fetch_streamed(entry: vec2u, tile: Tile) -> Streamed {
  let slot = tile.streamed_start + streamed_place(entry);
  return Streamed(slot, load_streamed(slot, tile.lane), streamed_state[slot]);
}

fn fetch_held(entry: vec2u, tile: Tile) -> Held {
  let slot = tile.held_start + held_place(entry);
  return Held(slot, load_held(slot, tile.lane), held_state[slot]);
}

fn leave(run: Held, lane: u32, position: u32) {
  if (run.slot != NO_SLOT) {
    store_held(run.slot, run.p, run.p_state, lane, position);
  }
}

// The step of one entry, with its held row and its streamed one; returns (e^2, |e|). One reduction over the lanes has p . q
// and, from |p|^2 and |q|^2, the squares of both gradients:
//
//   |a p - d q|^2 = a^2 |p|^2 - 2 a d p . q + d^2 |q|^2.
//
// All invocations of a workgroup must call it; where not `working`, nothing changes. `turn` alternates.
fn learn(
  run: ptr<function, Held>,
  now: ptr<function, Streamed>,
  rating: f32,
  tile: Tile,
  position: u32,
  working: bool,
  turn: u32,
) -> vec2f {
  @if(single) var sums = products((*run).p, (*now).q);
  @if(!single) var sums = vec3f();
  @if(!single) for (var v = 0u; v < VECS; v++) {
    sums += products((*run).p[v], (*now).q[v]);
  }
  if (ADAGRAD) {
    sums = sum_three(sums, tile.local_index, turn);
  } else {
    sums.x = sum_first(sums.x, tile.local_index);
    between_sums();
  }
  let p_state = (*run).p_state;
  let q_state = (*now).q_state;
  let score = model.mean + (p_state.x + q_state.x) + sums.x;
  let error = rating - prediction(score);
  let slope_error = error * prediction_slope(score);
  if (!working) {
    return vec2f();
  }

  let decay = vec2f(options.held_penalty, options.streamed_penalty) * vec2f(p_state.w, q_state.w);
  let p_rate = damped(options.held_rate, p_state.y);
  let q_rate = damped(options.streamed_rate, q_state.y);
  @if(single) let p = (*run).p;
  @if(single) (*run).p = moved(p, (*now).q, p_rate, decay.x, slope_error);
  @if(single) (*now).q = moved((*now).q, p, q_rate, decay.y, slope_error);
  @if(!single) for (var v = 0u; v < VECS; v++) {
    let p = (*run).p[v];
    (*run).p[v] = moved(p, (*now).q[v], p_rate, decay.x, slope_error);
    (*now).q[v] = moved((*now).q[v], p, q_rate, decay.y, slope_error);
  }
  let squares = decay * decay * sums.yz - 2.0 * decay * slope_error * sums.x + slope_error * slope_error * sums.zy;
  let steps = options.component * max(vec2f(), squares);
  (*run).p_state = stepped(p_state, slope_error, steps.x);
  (*now).q_state = stepped(q_state, slope_error, steps.y);
  store_streamed((*now).slot, (*now).q, (*now).q_state, tile.lane, position);
  return vec2f(error * error, abs(error));
}

// The entries of one tile, in order; returns the sums of e^2 and |e|. `steps` is the length of the workgroup's longest
// tile: as many steps for every slice, so that all of them meet at the sums.
@if(!prefetch) fn train_tile(tile: Tile, steps: u32) -> vec2f {
  var sums = vec2f();
  var run = Held(NO_SLOT, Row(), vec4f());
  var now: Streamed;
  var entry = vec2u();
  for (var step = 0u; step < steps; step++) {
    let position = tile.first + step;
    let working = SLICES == 1 || position < tile.end;
    if (working) {
      entry = entries[position];
      now = fetch_streamed(entry, tile);
      if (tile.held_start + held_place(entry) != run.slot) {
        leave(run, tile.lane, position);
        run = fetch_held(entry, tile);
      }
    }
    sums += learn(&run, &now, bitcast<f32>(entry.x), tile, position, working, step % 2);
  }
  leave(run, tile.lane, tile.end);
  return sums;
}

// Past the end the last entry once more, and in an empty tile the first rows of its blocks: loads without a condition, which
// all are under way at once, and never of rows that another slice may write.
@if(prefetch) fn entry_at(position: u32, tile: Tile) -> vec2u {
  let entry = entries[min(position, max(tile.end, 1) - 1)];
  return select(vec2u(), entry, tile.first < tile.end);
}

// A row was read before the entries ahead of its own were worked on; where one of them had the same, this is what it left.
@if(prefetch) fn forward(now: ptr<function, Streamed>, earlier: ptr<function, Streamed>) {
  if ((*now).slot == (*earlier).slot) {
    (*now).q = (*earlier).q;
    (*now).q_state = (*earlier).q_state;
  }
}

@if(prefetch) fn work(
  run: ptr<function, Held>,
  held: ptr<function, Held>,
  now: ptr<function, Streamed>,
  entry: vec2u,
  tile: Tile,
  position: u32,
  turn: u32,
) -> vec2f {
  let working = position < tile.end;
  if (working && tile.held_start + held_place(entry) != (*run).slot) {
    leave(*run, tile.lane, position);
    *run = *held;
  }
  return learn(run, now, bitcast<f32>(entry.x), tile, position, working, turn);
}

// The same, four entries at a time. They have variables of their own: in an array they would not be in registers.
@if(prefetch) fn train_tile(tile: Tile, steps: u32) -> vec2f {
  var sums = vec2f();
  var run = Held(NO_SLOT, Row(), vec4f());
  var before = ~entry_at(tile.first, tile);
  for (var step = 0u; step < steps; step += 4) {
    let position = tile.first + step;
    let a = entry_at(position, tile);
    let b = entry_at(position + 1, tile);
    let c = entry_at(position + 2, tile);
    let d = entry_at(position + 3, tile);
    var row_a = fetch_streamed(a, tile);
    var row_b = fetch_streamed(b, tile);
    var row_c = fetch_streamed(c, tile);
    var row_d = fetch_streamed(d, tile);
    // Held rows where a run of theirs begins.
    var held_a = Held();
    if (held_place(a) != held_place(before)) {
      held_a = fetch_held(a, tile);
    }
    var held_b = Held();
    if (held_place(b) != held_place(a)) {
      held_b = fetch_held(b, tile);
    }
    var held_c = Held();
    if (held_place(c) != held_place(b)) {
      held_c = fetch_held(c, tile);
    }
    var held_d = Held();
    if (held_place(d) != held_place(c)) {
      held_d = fetch_held(d, tile);
    }
    before = d;

    sums += work(&run, &held_a, &row_a, a, tile, position, 0);
    forward(&row_b, &row_a);
    sums += work(&run, &held_b, &row_b, b, tile, position + 1, 1);
    forward(&row_c, &row_a);
    forward(&row_c, &row_b);
    sums += work(&run, &held_c, &row_c, c, tile, position + 2, 0);
    forward(&row_d, &row_a);
    forward(&row_d, &row_b);
    forward(&row_d, &row_c);
    sums += work(&run, &held_d, &row_d, d, tile, position + 3, 1);
  }
  leave(run, tile.lane, tile.end);
  return sums;
}

@compute @workgroup_size(LANES * SLICES)
fn fused_sgd(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  @if(!sharded) let group = linear_workgroup(workgroup, workgroups);
  @if(sharded) let group = batch.worker_start / WORKERS + linear_workgroup(workgroup, workgroups);
  if (group >= options.workgroups) {
    return;
  }
  @if(sharded) if (group * WORKERS >= batch.worker_end) {
    return;
  }
  // With one slice all that is found through it is uniform, which compilers for CPUs make use of.
  let slice = select(local_index / LANES, 0, SLICES == 1);
  let lane = local_index - slice * LANES;
  let held_block = group * SLICES + slice;
  @if(nested) let worker = group;
  @if(!nested) let worker = held_block;
  @if(sharded) let is_own = worker >= batch.worker_start && worker < batch.worker_end;
  let ahead = (worker + batch.stratum) % options.strata;
  var sums = vec2f();
  for (var sub = 0u; sub < SUB_STRATA; sub++) {
    let streamed_block = ahead * SUB_STRATA + (slice + sub) % SUB_STRATA;
    let tile = (batch.tile_start + group * SUB_STRATA + sub) * (SLICES + 2);
    let first = batch.entry_place + tiles[tile + slice];
    @if(!sharded) let end = batch.entry_place + tiles[tile + slice + 1];
    @if(sharded) let end = select(first, batch.entry_place + tiles[tile + slice + 1], is_own);
    let own = Tile(
      blocks[held_block],
      blocks[options.workgroups * SLICES + streamed_block],
      first,
      end,
      lane,
      local_index,
    );
    sums += train_tile(own, tiles[tile + SLICES + 1]);
    // What the slices wrote before the barrier, others read after it. Without it there is none in the whole kernel, which
    // is worth half the time on a CPU.
    @if(nested) storageBarrier();
  }
  @if(!sharded) let is_told = lane == 0;
  @if(sharded) let is_told = lane == 0 && is_own;
  if (is_told) {
    partials[batch.partial_start + held_block] = sums;
  }
}
