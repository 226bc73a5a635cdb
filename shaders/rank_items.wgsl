// The K items with the highest scores for each query, over a range of items: no score is stored but those that are among
// the best so far.
//
// An invocation owns USERS queries and streams over its split's items, in ascending order. A list is a heap of (bits of
// the score, item) in `heaps`, slot by slot with the lists side by side: list l of slot s at s * lists + l, where
// l = split * queries + query. Its root is the worst of them: of the lowest score, among equals of the highest index. So an item
// as good as the root never gets in after it. Slots without an item hold (-infinity, NO_ITEM). Lists go on from range to
// range; the range that starts at 0 begins them.
//
// After its K slots a list has one more, whose second word is 1 + the first item with a score that is not a number, or 0.

import constants::{USERS, ITEMS};
import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::rank_tile::{is_denied, masked, next_masked, queries, range, ranking, tile_scores};
import package::lib::ranking::is_nan;

@group(1) @binding(0) var<storage, read_write> heaps: array<vec2u>;

const NO_ITEM: u32 = 0xffffffff;
const MINUS_INFINITY: u32 = 0xff800000;

fn slot_of(list: u32, slot: u32) -> u32 {
  return slot * ranking.queries * ranking.splits + list;
}

fn is_worse(a: vec2u, b: vec2u) -> bool {
  let a_score = bitcast<f32>(a.x);
  let b_score = bitcast<f32>(b.x);
  return a_score < b_score || (a_score == b_score && a.y > b.y);
}

fn begin_list(list: u32) {
  for (var slot = 0u; slot < ranking.k; slot++) {
    heaps[slot_of(list, slot)] = vec2u(MINUS_INFINITY, NO_ITEM);
  }
  heaps[slot_of(list, ranking.k)] = vec2u();
}

// Puts a better entry in the root's place.
fn replace_root(list: u32, entry: vec2u) {
  var parent = 0u;
  loop {
    var child = 2 * parent + 1;
    if (child >= ranking.k) {
      break;
    }
    var worst = heaps[slot_of(list, child)];
    if (child + 1 < ranking.k) {
      let right = heaps[slot_of(list, child + 1)];
      if (is_worse(right, worst)) {
        worst = right;
        child++;
      }
    }
    if (!is_worse(worst, entry)) {
      break;
    }
    heaps[slot_of(list, parent)] = worst;
    parent = child;
  }
  heaps[slot_of(list, parent)] = entry;
}

fn offer(query: u32, list: u32, score: f32, item: u32) {
  let entry = vec2u(bitcast<u32>(score), item);
  if (!is_nan(score) && !is_worse(heaps[list], entry)) {
    return;
  }
  let mask = queries[query];
  let place = next_masked(mask, item);
  if (is_denied(item) || (place < mask.masked_end && masked[place] == item)) {
    return;
  }
  if (!is_nan(score)) {
    replace_root(list, entry);
  } else if (heaps[slot_of(list, ranking.k)].y == 0) {
    heaps[slot_of(list, ranking.k)].y = item + 1;
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn rank_items(
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
  let first_list = split * ranking.queries + first;

  // A bit a score of a tile: whether there is such a query, and whether its list has room.
  var own = 0u;
  var filling = 0u;
  var thresholds: array<f32, USERS>;
  for (var x = 0u; x < USERS; x++) {
    if (first + x * WORKGROUP_SIZE < ranking.queries) {
      own |= ((1u << ITEMS) - 1) << (x * ITEMS);
      if (range.start == 0) {
        begin_list(first_list + x * WORKGROUP_SIZE);
      }
    }
  }
  var changed = true;
  for (var item = begin; item < end; item += ITEMS) {
    if (changed) {
      filling = 0;
      for (var x = 0u; x < USERS; x++) {
        let root = heaps[first_list + x * WORKGROUP_SIZE];
        thresholds[x] = bitcast<f32>(root.x);
        filling |= select(0, ((1u << ITEMS) - 1) << (x * ITEMS), root.y == NO_ITEM);
      }
      changed = false;
    }
    var tile = tile_scores(first, item);
    var candidates = filling;
    for (var x = 0u; x < USERS; x++) {
      for (var y = 0u; y < ITEMS; y++) {
        let score = tile[x * ITEMS + y];
        candidates |= select(0, 1u << (x * ITEMS + y), score > thresholds[x] || is_nan(score));
      }
    }
    candidates &= own;
    while (candidates != 0) {
      let place = firstTrailingBit(candidates);
      candidates &= candidates - 1;
      let query = (place / ITEMS) * WORKGROUP_SIZE;
      if (item + place % ITEMS < end) {
        offer(first + query, first_list + query, tile[place], item + place % ITEMS);
        changed = true;
      }
    }
  }
}
