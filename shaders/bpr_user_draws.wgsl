// The samples of the users' phase in one round of BPR: for each entry (u, i) whose turn it is a negative j, an item that u
// has not, drawn with probability w_j / (sum of w over such items).
//
// An invocation owns one slot: sample `number` of its row. Slots past a row's share are left alone. Reads log2(entries of
// the user) words for each try, at most TRIES of them.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::draw::{drawn, permuted};
import package::lib::bpr_rows::{BprSlots, batch, draw_key, order_key, rows, share_of};
import package::lib::bpr_negatives::{negative_for, seen};

// Of each slot its row's place in `rows`.
@group(0) @binding(2) var<storage, read> slots: array<u32>;
// (i, j or NO_ITEM)
@group(0) @binding(6) var<storage, read_write> samples: array<vec2u>;
@group(0) @binding(7) var<uniform> room: BprSlots;

@compute @workgroup_size(WORKGROUP_SIZE)
fn bpr_user_draws(
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
  if (number >= share.positives) {
    return;
  }
  let entry = own.first + permuted(share.first + number, own.entries, order_key(own.row));
  let negative = negative_for(own.first, own.first + own.entries, drawn(draw_key(own.row), number));
  samples[slot] = vec2u(seen[entry], negative);
}
