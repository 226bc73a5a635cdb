// How many items score how much, for each query, over a range of items: between which of the query's thresholds
// t_0 > t_1 > ... > t_(T-1) (the scores of its positives) each of them falls. No item below the last is counted, since it
// is above none.
//
// An invocation owns USERS queries and streams over its split's items. A query has 2 T + 1 words of its split in `counts`,
// from 2 threshold_start + query on:
//
//   word 2 j: items with t_(j - 1) > score > t_j,   word 2 j + 1: items with score = t_j,
//
// and last 1 + the first item with a score that is not a number, or 0. The host zeroes `counts` before the first range.

import constants::{USERS, ITEMS};
import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::rank_tile::{Tile, is_masked, queries, range, ranking, tile_scores};
import package::lib::ranking::{Query, is_nan};

@group(1) @binding(0) var<storage, read> thresholds: array<f32>;
@group(1) @binding(1) var<storage, read_write> counts: array<u32>;

// `first_word` of the query's in `counts`.
fn count_item(query: Query, first_word: u32, score: f32, item: u32) {
  if (is_masked(query, item)) {
    return;
  }
  if (is_nan(score)) {
    let failure = first_word + 2 * (query.threshold_end - query.threshold_start);
    if (counts[failure] == 0) {
      counts[failure] = item + 1;
    }
    return;
  }
  // The first threshold that is no greater; there is one.
  var low = query.threshold_start;
  var high = query.threshold_end - 1;
  while (low < high) {
    let middle = (low + high) / 2;
    if (thresholds[middle] > score) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  counts[first_word + 2 * (low - query.threshold_start) + u32(thresholds[low] == score)]++;
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

  // A bit a score of a tile: whether there is such a query, with thresholds.
  var own = 0u;
  var lowest: array<f32, USERS>;
  for (var x = 0u; x < USERS; x++) {
    let place = first + x * WORKGROUP_SIZE;
    if (place < ranking.queries) {
      let query = queries[place];
      if (query.threshold_start < query.threshold_end) {
        own |= ((1u << ITEMS) - 1) << (x * ITEMS);
        lowest[x] = thresholds[query.threshold_end - 1];
      }
    }
  }
  for (var item = begin; item < end; item += ITEMS) {
    var tile = tile_scores(first, item);
    var candidates = 0u;
    for (var x = 0u; x < USERS; x++) {
      for (var y = 0u; y < ITEMS; y++) {
        let score = tile[x * ITEMS + y];
        candidates |= select(0, 1u << (x * ITEMS + y), score >= lowest[x] || is_nan(score));
      }
    }
    candidates &= own;
    while (candidates != 0) {
      let place = firstTrailingBit(candidates);
      candidates &= candidates - 1;
      if (item + place % ITEMS < end) {
        let slot = first + (place / ITEMS) * WORKGROUP_SIZE;
        let query = queries[slot];
        let first_word = split * ranking.bins + 2 * query.threshold_start + slot;
        count_item(query, first_word, tile[place], item + place % ITEMS);
      }
    }
  }
}
