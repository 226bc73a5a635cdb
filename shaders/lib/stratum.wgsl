// What changes from stratum to stratum, or from part to part of one: a window of one uniform buffer.

struct Stratum {
  stratum: u32,
  // First row of the stratum in `tiles`.
  tile_start: u32,
  // First pair of the stratum in `partials`.
  partial_start: u32,
  // Factor of all rates: the schedule.
  rate: f32,
  // Seed of the rounding to halves; another one for each stratum and epoch.
  noise: u32,
  // Place in `entries` of the stratum's first entry, from which the bounds of its tiles count.
  entry_place: u32,
  // Number among all of what would be the first entry in `entries`, if those before the stratum's were there; modulo 2^32.
  entry_start: u32,
  // Of a part of a stratum, whose held rows lie in one shard and whose streamed rows in another: its workers, and the first
  // slots of the shards.
  worker_start: u32,
  worker_end: u32,
  held_start: u32,
  streamed_start: u32,
}
