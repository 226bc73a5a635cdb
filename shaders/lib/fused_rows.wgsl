// The rows of either side as a slice holds them: lane l has the vec4s l, l + LANES, ... of a row, VECS of them, and every
// lane the slot's state: its bias, two sums of squares, and its weight in the penalty.

import constants::{LANES, VECS};
import package::lib::model::FACTOR_BLOCKS;
import package::lib::stored::{pack_factors, unpack_factors};
import package::lib::stratum::Stratum;

@if(!f16) @group(0) @binding(0) var<storage, read_write> held_factors: array<vec4f>;
@if(f16) @group(0) @binding(0) var<storage, read_write> held_factors: array<vec2u>;
@if(!f16) @group(0) @binding(1) var<storage, read_write> streamed_factors: array<vec4f>;
@if(f16) @group(0) @binding(1) var<storage, read_write> streamed_factors: array<vec2u>;
// A slot's bias, its two sums of squares, and w.
@group(0) @binding(2) var<storage, read_write> held_state: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> streamed_state: array<vec4f>;
@group(1) @binding(3) var<uniform> batch: Stratum;

// A row of one vec4 a lane is no array: not every compiler keeps arrays in registers.
@if(single) alias Row = vec4f;
@if(!single) alias Row = array<vec4f, VECS>;

fn noise_of(position: u32) -> u32 {
  return batch.noise + (batch.entry_start + position) * 0x9e3779b1;
}

// The number of a vec4 of a shard among all of its side: the seed of its rounding, whatever the shards.
@if(!sharded) fn held_number(at: u32) -> u32 {
  return at;
}
@if(sharded) fn held_number(at: u32) -> u32 {
  return batch.held_start * FACTOR_BLOCKS + at;
}
@if(!sharded) fn streamed_number(at: u32) -> u32 {
  return at;
}
@if(sharded) fn streamed_number(at: u32) -> u32 {
  return batch.streamed_start * FACTOR_BLOCKS + at;
}

fn inside(block: u32) -> bool {
  return FACTOR_BLOCKS % LANES == 0 || block < FACTOR_BLOCKS;
}

// p . q, |p|^2 and |q|^2 of a vec4.
fn products(p: vec4f, q: vec4f) -> vec3f {
  return vec3f(dot(p, q), dot(p, p), dot(q, q));
}

// factors - rate (decay factors - slope_error other)
fn moved(factors: vec4f, other: vec4f, rate: f32, decay: f32, slope_error: f32) -> vec4f {
  return factors - rate * (decay * factors - slope_error * other);
}

fn load_held_vec(slot: u32, block: u32) -> vec4f {
  if (!inside(block)) {
    return vec4f();
  }
  return unpack_factors(held_factors[slot * FACTOR_BLOCKS + block]);
}

fn load_streamed_vec(slot: u32, block: u32) -> vec4f {
  if (!inside(block)) {
    return vec4f();
  }
  return unpack_factors(streamed_factors[slot * FACTOR_BLOCKS + block]);
}

fn store_held_vec(slot: u32, block: u32, factors: vec4f, noise: u32) {
  if (inside(block)) {
    let at = slot * FACTOR_BLOCKS + block;
    held_factors[at] = pack_factors(factors, noise ^ held_number(at));
  }
}

fn store_streamed_vec(slot: u32, block: u32, factors: vec4f, noise: u32) {
  if (inside(block)) {
    let at = slot * FACTOR_BLOCKS + block;
    streamed_factors[at] = pack_factors(factors, noise ^ streamed_number(at));
  }
}

@if(single) fn load_held(slot: u32, lane: u32) -> Row {
  return load_held_vec(slot, lane);
}
@if(!single) fn load_held(slot: u32, lane: u32) -> Row {
  var row: Row;
  for (var v = 0u; v < VECS; v++) {
    row[v] = load_held_vec(slot, v * LANES + lane);
  }
  return row;
}

@if(single) fn load_streamed(slot: u32, lane: u32) -> Row {
  return load_streamed_vec(slot, lane);
}
@if(!single) fn load_streamed(slot: u32, lane: u32) -> Row {
  var row: Row;
  for (var v = 0u; v < VECS; v++) {
    row[v] = load_streamed_vec(slot, v * LANES + lane);
  }
  return row;
}

// `position` of the entry after which the row is stored: the seed of its rounding.
fn store_held(slot: u32, row: Row, state: vec4f, lane: u32, position: u32) {
  let noise = noise_of(position);
  @if(single) store_held_vec(slot, lane, row, noise);
  @if(!single) for (var v = 0u; v < VECS; v++) {
    store_held_vec(slot, v * LANES + lane, row[v], noise);
  }
  if (lane == 0) {
    held_state[slot] = state;
  }
}

fn store_streamed(slot: u32, row: Row, state: vec4f, lane: u32, position: u32) {
  let noise = ~noise_of(position);
  @if(single) store_streamed_vec(slot, lane, row, noise);
  @if(!single) for (var v = 0u; v < VECS; v++) {
    store_streamed_vec(slot, v * LANES + lane, row[v], noise);
  }
  if (lane == 0) {
    streamed_state[slot] = state;
  }
}
