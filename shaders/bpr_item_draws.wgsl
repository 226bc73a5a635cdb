// The samples of the items' phase in one round of BPR, for each item's row a mix in random order of two kinds:
//
// - the row as the positive i of an entry (u, i) whose turn it is, with a negative j as in `bpr_user_draws`;
// - the row as the negative j of an entry (u, i). Seen from the entries, j is drawn for u with probability
//   w_j / (sum of w over the items that u has not), call that sum v_u; so seen from j, u is drawn with a probability in
//   proportion to n_u / v_u among the users without j, n_u the entries of u, and then one of them. The host has worked
//   out how many such samples there are in the mean.
//
// An invocation owns one slot: sample `number` of its row. Slots past a row's share are left alone.
//
// With `sharded`, the entries of all users lie in several buffers, each seen by a dispatch of its own, in order. A dispatch
// leaves alone what hangs on other users: samples of their entries, and tries that come to them. Of what is found for a row
// as the negative the first try counts, in whichever buffer.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::draw::{drawn, permuted, scrambled};
import package::lib::bpr_rows::{AS_NEGATIVE, BprSlots, NO_ITEM, batch, draw_key, order_key, rows, share_of};
import package::lib::bpr_negatives::{TRIES, draws, has_item, negative_for, seen};

// Of each slot its row's place in `rows`.
@group(0) @binding(2) var<storage, read> slots: array<u32>;
// (u, with AS_NEGATIVE added where the row is the negative; the other item or NO_ITEM)
@group(0) @binding(6) var<storage, read_write> samples: array<vec2u>;
// Users of each item's entries, where those of the dispatch's rows are.
@group(0) @binding(7) var<storage, read> raters: array<u32>;
// First entry of each user in `seen`, from the first of them on, and the end.
@group(0) @binding(8) var<storage, read> user_start: array<u32>;
// The alias table of n_u / v_u, like `item_columns`.
@group(0) @binding(9) var<storage, read> user_columns: array<vec2u>;
@group(0) @binding(10) var<uniform> room: BprSlots;

@if(sharded) fn is_here(user: u32) -> bool {
  return user - draws.first_user < draws.users_here;
}

fn as_positive(user: u32, key: u32) -> vec2u {
  let here = user - draws.first_user;
  return vec2u(user, negative_for(user_start[here], user_start[here + 1], key));
}

// What earlier dispatches have found, or nothing.
@if(!sharded) fn found_before(slot: u32) -> vec2u {
  return vec2u(AS_NEGATIVE, NO_ITEM);
}
@if(sharded) fn found_before(slot: u32) -> vec2u {
  if (draws.first_user == 0) {
    return vec2u(AS_NEGATIVE, NO_ITEM);
  }
  return samples[slot];
}

fn as_negative(item: u32, key: u32, before: vec2u) -> vec2u {
  for (var attempt = 0u; attempt < TRIES; attempt++) {
    let word = drawn(key, attempt);
    let column = word % draws.users;
    let own = user_columns[column];
    let coin = scrambled(word);
    let user = select(own.y, column, coin < own.x);
    @if(sharded) {
      if (before.y != NO_ITEM && (before.x & ~AS_NEGATIVE) == user) {
        return before;
      }
      if (!is_here(user)) {
        continue;
      }
    }
    let first = user_start[user - draws.first_user];
    let end = user_start[user - draws.first_user + 1];
    if (!has_item(first, end, item)) {
      return vec2u(user | AS_NEGATIVE, seen[first + scrambled(~coin) % (end - first)]);
    }
  }
  return before;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn bpr_item_draws(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let slot = linear_invocation(workgroup, workgroups, local_index);
  if (slot >= room.count) {
    return;
  }
  let own = rows[slots[slot]];
  let share = share_of(own);
  let number = slot - own.slot;
  if (number >= share.positives + share.negatives) {
    return;
  }
  let place = permuted(number, share.positives + share.negatives, draw_key(own.row));
  let key = drawn(draw_key(own.row), place);
  if (place < share.positives) {
    let entry = own.first + permuted(share.first + place, own.entries, order_key(own.row));
    let user = raters[entry];
    @if(sharded) {
      if (!is_here(user)) {
        return;
      }
    }
    samples[slot] = as_positive(user, key);
  } else {
    samples[slot] = as_negative(own.row, key, found_before(slot));
  }
}
