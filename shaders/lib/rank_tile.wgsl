// Scores of USERS queries against ITEMS items at a time, in registers. The queries of an invocation are WORKGROUP_SIZE
// apart, so that neighbours read neighbouring vec4s of `staged`; items are the same for a whole workgroup.

import constants::{USERS, ITEMS, TILE};
import package::lib::dispatch::WORKGROUP_SIZE;
import package::lib::ranking::{Query, Range, Ranking, add_biases, add_products};

// vec4 b of slot s at b * stride + s; after the factors a row of (mu + b_u, 0, 0, 0).
@group(0) @binding(0) var<storage, read> staged: array<vec4f>;
@group(0) @binding(1) var<storage, read> item_factors: array<vec4f>;
@group(0) @binding(2) var<storage, read> item_bias: array<f32>;
@group(0) @binding(3) var<storage, read> queries: array<Query>;
// Items that a query is not ranked against, query by query.
@group(0) @binding(4) var<storage, read> masked: array<u32>;
// A bit an item: 1 where no query is ranked against it.
@group(0) @binding(5) var<storage, read> denied: array<u32>;
@group(0) @binding(6) var<uniform> ranking: Ranking;
@group(0) @binding(7) var<uniform> range: Range;

// Query x against item y at x * ITEMS + y.
alias Tile = array<f32, TILE>;

// Rows past the last item are read, where a buffer gives anything at all, and their scores are nobody's.
fn tile_scores(slot: u32, item: u32) -> Tile {
  var tile = Tile();
  let row = item - range.first;
  for (var block = 0u; block < ranking.blocks; block++) {
    var p: array<vec4f, USERS>;
    for (var x = 0u; x < USERS; x++) {
      p[x] = staged[block * ranking.stride + slot + x * WORKGROUP_SIZE];
    }
    for (var y = 0u; y < ITEMS; y++) {
      let q = item_factors[(row + y) * ranking.blocks + block];
      for (var x = 0u; x < USERS; x++) {
        tile[x * ITEMS + y] = add_products(tile[x * ITEMS + y], p[x], q);
      }
    }
  }
  for (var x = 0u; x < USERS; x++) {
    let user_base = staged[ranking.blocks * ranking.stride + slot + x * WORKGROUP_SIZE].x;
    for (var y = 0u; y < ITEMS; y++) {
      tile[x * ITEMS + y] = add_biases(tile[x * ITEMS + y], user_base, item_bias[row + y]);
    }
  }
  return tile;
}

fn is_denied(item: u32) -> bool {
  return ((denied[item / 32] >> (item % 32)) & 1) == 1;
}

// The place in `masked` of a query's first masked item that is not before `item`, or the end of its slice.
fn next_masked(query: Query, item: u32) -> u32 {
  var low = query.masked_start;
  var high = query.masked_end;
  while (low < high) {
    let middle = (low + high) / 2;
    if (masked[middle] < item) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
