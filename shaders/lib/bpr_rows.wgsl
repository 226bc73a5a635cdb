// The rows of one side that a phase of BPR works on, heaviest first, and what falls to each in a round.
//
// In an epoch a row passes its n entries in a random order. Round r of R takes the places from floor((n r + o) / R) to
// floor((n (r + 1) + o) / R), where o < R is the row's own: at most ceil(n / R) of them.

import package::lib::draw::drawn;

struct BprRow {
  row: u32,
  // Among all rows of the side that are worked on.
  place: u32,
  // Of the entries in the buffer, those of this row.
  first: u32,
  entries: u32,
  // First of the row's slots for samples.
  slot: u32,
  // Samples of a round in which the row is the negative: so many, and with probability chance / 2^32 one more.
  negatives: u32,
  chance: u32,
}

struct BprRound {
  // Words of this epoch's orders and of this round's draws.
  order_key: u32,
  draw_key: u32,
  round: u32,
  rounds: u32,
  // Factor of all rates: the schedule.
  rate: f32,
}

// Slots for samples of the rows.
struct BprSlots {
  count: u32,
}

// A row's samples in this round: the first place of its order, how many as the positive, how many as the negative.
struct Share {
  first: u32,
  positives: u32,
  negatives: u32,
}

const NO_ITEM: u32 = 0xffffffff;

// In a sample's user: the row is the negative.
const AS_NEGATIVE: u32 = 0x80000000;

// A purpose of `drawn`, next to the numbers of a row's samples.
const ROUNDING: u32 = 0xfffffffe;

@group(0) @binding(0) var<storage, read> rows: array<BprRow>;
@group(0) @binding(1) var<uniform> batch: BprRound;

fn order_key(row: u32) -> u32 {
  return drawn(batch.order_key, row);
}

fn draw_key(row: u32) -> u32 {
  return drawn(batch.draw_key, row);
}

fn place_from(entries: u32, round: u32, offset: u32) -> u32 {
  return entries / batch.rounds * round + (entries % batch.rounds * round + offset) / batch.rounds;
}

fn share_of(own: BprRow) -> Share {
  let offset = order_key(own.row) % batch.rounds;
  let first = place_from(own.entries, batch.round, offset);
  let end = place_from(own.entries, batch.round + 1, offset);
  let more = drawn(draw_key(own.row), ROUNDING) < own.chance;
  return Share(first, end - first, own.negatives + u32(more));
}
