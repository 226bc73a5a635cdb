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
// With `prefetch` the rows of the next two entries, of both sides, are under way while this one is worked on.
//
// Moves 2 k s (s = 4 or 2 bytes a factor) + 32 (state) + 8 (entry) bytes an entry, and 2 k s + 32 a run. The 2 k s alone
// come to 79% (k = 32) and 90% (k = 128) of a copy's rate on lavapipe: docs/performance.md.

import constants::{LANES, VECS};
import package::lib::dispatch::linear_workgroup;
import package::lib::fused_rows::{Row, batch, held_state, streamed_state, load_held, load_streamed, store_held, store_streamed};
import package::lib::fused_step::{ADAGRAD, options, damped, stepped};
import package::lib::model::model;
import package::lib::link::{prediction, prediction_slope};
import package::lib::slices::{SLICES, between_sums, sum_first, sum_second};
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

// An entry with its streamed row and, read ahead, the held row that it begins a run of.
struct Fetched {
  entry: vec2u,
  q: Row,
  q_state: vec4f,
  @if(prefetch) p: Row,
  @if(prefetch) p_state: vec4f,
}

fn held_place(entry: vec2u) -> u32 {
  return entry.y >> 16;
}

fn streamed_place(entry: vec2u) -> u32 {
  return entry.y & 0xffff;
}

@if(!prefetch) fn fetch(entry: vec2u, held_start: u32, streamed_start: u32, lane: u32) -> Fetched {
  let slot = streamed_start + streamed_place(entry);
  return Fetched(entry, load_streamed(slot, lane), streamed_state[slot]);
}

// `begins`: whether the entry before is another row's.
@if(prefetch) fn fetch(entry: vec2u, begins: bool, held_start: u32, streamed_start: u32, lane: u32) -> Fetched {
  let slot = streamed_start + streamed_place(entry);
  var fetched: Fetched;
  fetched.entry = entry;
  fetched.q = load_streamed(slot, lane);
  fetched.q_state = streamed_state[slot];
  if (begins) {
    fetched.p = load_held(held_start + held_place(entry), lane);
    fetched.p_state = held_state[held_start + held_place(entry)];
  }
  return fetched;
}

// The entries of one tile, in order; returns the sums of e^2 and |e|. `steps` is the length of the workgroup's longest
// tile: as many steps for every slice, so that all of them meet at the sums.
fn train_tile(held_start: u32, streamed_start: u32, first: u32, end: u32, steps: u32, lane: u32, local_index: u32) -> vec2f {
  var sums = vec2f();
  var held = NO_SLOT;
  var p: Row;
  var p_state = vec4f();
  var now: Fetched;
  // Two entries are under way behind the one that is worked on, and after them one without its rows.
  @if(prefetch) var next: Fetched;
  @if(prefetch) var coming = vec2u();
  @if(prefetch) if (first < end) {
    now = fetch(entries[first], true, held_start, streamed_start, lane);
  }
  @if(prefetch) if (first + 1 < end) {
    let entry = entries[first + 1];
    next = fetch(entry, held_place(entry) != held_place(now.entry), held_start, streamed_start, lane);
  }
  @if(prefetch) if (first + 2 < end) {
    coming = entries[first + 2];
  }

  for (var step = 0u; step < steps; step++) {
    let position = first + step;
    let working = SLICES == 1 || position < end;
    @if(!prefetch) if (working) {
      now = fetch(entries[position], held_start, streamed_start, lane);
    }
    @if(prefetch) var later: Fetched;
    @if(prefetch) if (position + 2 < end) {
      later = fetch(coming, held_place(coming) != held_place(next.entry), held_start, streamed_start, lane);
    }
    @if(prefetch) if (position + 3 < end) {
      coming = entries[position + 3];
    }
    var q = now.q;
    var q_state = now.q_state;
    let slot = held_start + held_place(now.entry);
    if (working && slot != held) {
      if (held != NO_SLOT) {
        store_held(held, p, p_state, lane, position);
      }
      held = slot;
      @if(!prefetch) {
        p = load_held(held, lane);
        p_state = held_state[held];
      }
      @if(prefetch) {
        p = now.p;
        p_state = now.p_state;
      }
    }

    var product = 0.0;
    for (var v = 0u; v < VECS; v++) {
      product += dot(p[v], q[v]);
    }
    let score = model.mean + (p_state.x + q_state.x) + sum_first(product, local_index);
    let error = bitcast<f32>(now.entry.x) - prediction(score);
    let slope_error = error * prediction_slope(score);

    let p_rate = damped(options.held_rate, p_state.y);
    let q_rate = damped(options.streamed_rate, q_state.y);
    let p_decay = options.held_penalty * p_state.w;
    let q_decay = options.streamed_penalty * q_state.w;
    var squares = vec2f();
    for (var v = 0u; v < VECS; v++) {
      let p_gradient = p_decay * p[v] - slope_error * q[v];
      let q_gradient = q_decay * q[v] - slope_error * p[v];
      squares += vec2f(dot(p_gradient, p_gradient), dot(q_gradient, q_gradient));
      if (working) {
        p[v] -= p_rate * p_gradient;
      }
      q[v] -= q_rate * q_gradient;
    }
    if (ADAGRAD) {
      squares = options.component * sum_second(squares, local_index);
    } else {
      between_sums();
    }
    if (working) {
      p_state = stepped(p_state, slope_error, squares.x);
      q_state = stepped(q_state, slope_error, squares.y);
      store_streamed(streamed_start + streamed_place(now.entry), q, q_state, lane, position);
      sums += vec2f(error * error, abs(error));
    }
    // The rows under way were read before this one was written, which matters where they are the same.
    @if(prefetch) if (streamed_place(next.entry) == streamed_place(now.entry)) {
      next.q = q;
      next.q_state = q_state;
    }
    @if(prefetch) if (streamed_place(later.entry) == streamed_place(now.entry)) {
      later.q = q;
      later.q_state = q_state;
    }
    @if(prefetch) {
      now = next;
      next = later;
    }
  }
  if (held != NO_SLOT) {
    store_held(held, p, p_state, lane, end);
  }
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
    sums += train_tile(
      blocks[held_block],
      blocks[options.workgroups * SLICES + streamed_block],
      first,
      end,
      tiles[tile + SLICES + 1],
      lane,
      local_index,
    );
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
