// What changes from stratum to stratum: a window of one uniform buffer.

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
}
