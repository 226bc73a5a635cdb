// How many items score how much, for each query, over a range of items: between which of the query's thresholds
// t_0 > t_1 > ... > t_(T-1) (the scores of its positives) each of them falls. No item below the last is counted, since it
// is above none.
//
// An invocation owns USERS queries and streams over its split's items, in ascending order, and so past each query's masked
// items, one after another. A query has 2 T + 1 words of its split in `counts`,
// from 2 threshold_start + query on:
//
//   word 2 j: items with t_(j - 1) > score > t_j,   word 2 j + 1: items with score = t_j,
//
// and last 1 + the first item with a score that is not a number, or 0. The host zeroes `counts` before the first range.

import constants::{USERS, ITEMS};
import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::rank_tile::{is_denied, masked, next_masked, queries, range, ranking, tile_scores};
import package::lib::ranking::is_nan;

@group(1) @binding(0) var<storage, read> thresholds: array<f32>;
@group(1) @binding(1) var<storage, read_write> counts: array<u32>;

const NO_ITEM: u32 = 0xffffffff;

fn count_item(slot: u32, split: u32, score: f32, item: u32) {
  let start = queries[slot].threshold_start;
  let end = queries[slot].threshold_end;
  let first_word = split * ranking.bins + 2 * start + slot;
  if (is_nan(score)) {
    let failure = first_word + 2 * (end - start);
    if (counts[failure] == 0) {
      counts[failure] = item + 1;
    }
    return;
  }
  // The first threshold that is no greater; there is one.
  var low = start;
  var high = end - 1;
  while (low < high) {
    let middle = (low + high) / 2;
    if (thresholds[middle] > score) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  counts[first_word + 2 * (low - start) + u32(thresholds[low] == score)]++;
}

fn masked_item(place: u32, end: u32) -> u32 {
  if (place < end) {
    return masked[place];
  }
  return NO_ITEM;
}

// A bit an item of a tile: whether there is such an item and it is not denied.
fn offered(item: u32, end: u32) -> u32 {
  var bits = 0u;
  for (var y = 0u; y < ITEMS; y++) {
    bits |= select(0, 1u << y, item + y < end && !is_denied(item + y));
  }
  return bits;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn rank_counts(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  let split = group / ranking.groups;
  let first = (group % ranking.groups) * (WORKGROUP_SIZE * USERS) + local_index;
  if (split >= ranking.splits || first >= ranking.queries) {
    return;
  }
  let begin = range.start + split * range.span;
  let end = min(begin + range.span, range.end);

  // Of each query: the lowest threshold, the next masked item, its place in `masked` and the end of its slice. A query
  // without thresholds takes no items.
  var takes: array<bool, USERS>;
  var lowest: array<f32, USERS>;
  var next_item: array<u32, USERS>;
  var next_place: array<u32, USERS>;
  var masked_end: array<u32, USERS>;
  for (var x = 0u; x < USERS; x++) {
    let slot = first + x * WORKGROUP_SIZE;
    next_item[x] = NO_ITEM;
    if (slot < ranking.queries) {
      let query = queries[slot];
      if (query.threshold_start < query.threshold_end) {
        takes[x] = true;
        lowest[x] = thresholds[query.threshold_end - 1];
        next_place[x] = next_masked(query, begin);
        masked_end[x] = query.masked_end;
        next_item[x] = masked_item(next_place[x], masked_end[x]);
      }
    }
  }
  for (var item = begin; item < end; item += ITEMS) {
    let all = offered(item, end);
    var tile = tile_scores(first, item);
    // A bit a score.
    var candidates = 0u;
    for (var x = 0u; x < USERS; x++) {
      var own = select(0, all, takes[x]);
      while (next_item[x] < item + ITEMS) {
        own &= ~(1u << (next_item[x] - item));
        next_place[x]++;
        next_item[x] = masked_item(next_place[x], masked_end[x]);
      }
      for (var y = 0u; y < ITEMS; y++) {
        let score = tile[x * ITEMS + y];
        own &= ~select(1u << y, 0, score >= lowest[x] || is_nan(score));
      }
      candidates |= own << (x * ITEMS);
    }
    while (candidates != 0) {
      let place = firstTrailingBit(candidates);
      candidates &= candidates - 1;
      count_item(first + (place / ITEMS) * WORKGROUP_SIZE, split, tile[place], item + place % ITEMS);
    }
  }
}
