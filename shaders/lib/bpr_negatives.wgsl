// Negatives of a user: an item j with probability w_j / (sum of w over the items that the user has not), found by drawing
// from all items until one is new to the user. Which items a user has, a binary search tells.

import package::lib::draw::{drawn, scrambled};
import package::lib::bpr_rows::NO_ITEM;

struct BprDraws {
  users: u32,
  items: u32,
  // Those whose entries are in `seen`: `users_here` of them from `first_user` on.
  first_user: u32,
  users_here: u32,
}

// Items of each user's entries, ascending; of some users, where one buffer does not hold all.
@group(0) @binding(3) var<storage, read> seen: array<u32>;
// Walker's alias table of w, one column an item: (2^32 times the share of the column that is the item's own, the item that
// has the rest).
@group(0) @binding(4) var<storage, read> item_columns: array<vec2u>;
@group(0) @binding(5) var<uniform> draws: BprDraws;

// Enough for a user who has 19 of 20 items to be found one of the others in 96 cases of 100.
const TRIES: u32 = 64;

fn has_item(first: u32, end: u32, item: u32) -> bool {
  var low = first;
  var high = end;
  while (low < high) {
    let middle = low + (high - low) / 2;
    if (seen[middle] < item) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < end && seen[low] == item;
}

fn any_item(word: u32) -> u32 {
  let column = word % draws.items;
  @if(!powered) return column;
  @if(powered) {
    let own = item_columns[column];
    return select(own.y, column, scrambled(word) < own.x);
  }
}

// For the user whose entries are `first` to `end - 1`; NO_ITEM where all tries hit items of the user's.
fn negative_for(first: u32, end: u32, key: u32) -> u32 {
  for (var attempt = 0u; attempt < TRIES; attempt++) {
    let item = any_item(drawn(key, attempt));
    if (!has_item(first, end, item)) {
      return item;
    }
  }
  return NO_ITEM;
}
