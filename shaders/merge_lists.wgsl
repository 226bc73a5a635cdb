// A stage of the sort that makes the lists of a query's splits one: short runs of entries become longer ones. The order is by
// score, the best first, ties by item; the zeros are equal.
//
// Entries are (bits of the score, item); (-infinity, NO_ITEM), where there is none, comes last. Entry e of query q lies at
// e * queries + q, as `rank_items` leaves its lists, whatever their slots and splits. The `length` entries of a query fall into
// runs, each in order, of `run` entries; the last may have fewer. Each `ways` runs after one another become one, of its K
// best.
//
// An invocation owns an entry. Its place in the new run is the number of entries that come before it: a binary search in each
// of the other runs. Nobody waits for others, and the places of a run are all different, so each is written once.
//
// With `last`, one run is left, the query's list: `ranked` holds all items query by query, then their scores likewise, with
// 0 for -0, then a word for each query: 1 + the first item, in the lowest split, with a score that is not a number, or 0.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::ranking::Ranking;

struct Merge {
  length: u32,
  run: u32,
  ways: u32,
}

@group(0) @binding(0) var<uniform> ranking: Ranking;
@group(0) @binding(1) var<uniform> merge: Merge;
@group(0) @binding(2) var<storage, read> entries: array<vec2u>;
@if(!last) @group(0) @binding(3) var<storage, read_write> merged: array<vec2u>;
@if(last) @group(0) @binding(3) var<storage, read_write> ranked: array<u32>;
// What failed in each list lies behind its slots.
@if(last) @group(0) @binding(4) var<storage, read> heaps: array<vec2u>;

const SIGN_BIT: u32 = 0x80000000;

// An entry whose score is an integer that is the lower the greater the number, and the other way round.
fn key_of(entry: vec2u) -> vec2u {
  let bits = select(entry.x, 0, entry.x == SIGN_BIT);
  return vec2u(select(bits ^ ~SIGN_BIT, bits, bits >= SIGN_BIT), entry.y);
}

fn key_at(query: u32, place: u32) -> vec2u {
  return key_of(entries[place * ranking.queries + query]);
}

// Whether one key comes before another; with `ties`, also where they are alike.
fn comes_before(a: vec2u, b: vec2u, ties: bool) -> bool {
  return a.x < b.x || (a.x == b.x && (a.y < b.y || (ties && a.y == b.y)));
}

// How many of the `count` keys from `start` on come before one: a binary search, in as many steps for each invocation.
fn count_before(query: u32, start: u32, count: u32, key: vec2u, ties: bool) -> u32 {
  var found = 0u;
  for (var stride = 1u << firstLeadingBit(merge.run); stride > 0; stride /= 2) {
    let next = found + stride;
    if (next <= count && comes_before(key_at(query, start + next - 1), key, ties)) {
      found = next;
    }
  }
  return found;
}

@if(last) fn first_failure(query: u32) -> u32 {
  for (var split = 0u; split < ranking.splits; split++) {
    let failed = heaps[(ranking.k * ranking.splits + split) * ranking.queries + query].y;
    if (failed != 0) {
      return failed;
    }
  }
  return 0;
}

@if(!last) fn put(query: u32, place: u32, key: vec2u) {
  merged[place * ranking.queries + query] = key_of(key);
}
@if(last) fn put(query: u32, place: u32, key: vec2u) {
  let at = query * ranking.k + place;
  ranked[at] = key.y;
  ranked[ranking.queries * ranking.k + at] = key_of(key).x;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn merge_lists(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let query = index % ranking.queries;
  let own = index / ranking.queries;
  if (own >= merge.length) {
    return;
  }
  @if(last) {
    if (own == 0) {
      ranked[2 * ranking.queries * ranking.k + query] = first_failure(query);
    }
  }
  let key = key_at(query, own);
  let span = merge.run * merge.ways;
  let group = own / span;
  let end = min((group + 1) * span, merge.length);
  let own_run = own - own % merge.run;
  var place = own % merge.run;
  for (var run = group * span; run < end && place < ranking.k; run += merge.run) {
    if (run != own_run) {
      place += count_before(query, run, min(merge.run, end - run), key, run < own_run);
    }
  }
  if (place < ranking.k) {
    put(query, group * min(span, ranking.k) + place, key);
  }
}
