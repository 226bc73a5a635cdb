// The normal equations of one row in registers. With z = (q, 1 where there are biases, target), scaled by sqrt(weight), the
// lower triangle of sum z z^T holds A and below it b. One more component makes the constant of the row's objective the second
// element of the last diagonal: sum weight target^2 (explicit), sum target (implicit). The triangle is cut into tiles of 4 x 4;
// the invocations of a workgroup own TILES of them each, tile t at (row, column) in row-major order of the triangle.

import constants::{CHUNK, ROW_BLOCKS, THREADS, TILES};
import package::lib::als::AlsEntry;
import package::lib::model::FACTOR_BLOCKS;

@group(0) @binding(0) var<storage, read> fixed_factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> fixed_bias: array<f32>;
@group(0) @binding(2) var<storage, read> entries: array<AlsEntry>;

const TILE_COUNT: u32 = ROW_BLOCKS * (ROW_BLOCKS + 1) / 2;

var<workgroup> sh_rows: array<vec4f, CHUNK * ROW_BLOCKS>;

alias Tiles = array<mat4x4f, TILES>;

// (row, column) of tile t, in blocks; tiles past the last share the first's place and are of no use.
fn place_of(tile: u32) -> vec2u {
  if (tile >= TILE_COUNT) {
    return vec2u();
  }
  var row = u32((sqrt(8.0 * f32(tile) + 1.0) - 1.0) / 2.0);
  // The square root may be off by one either way.
  if (row * (row + 1) / 2 > tile) {
    row--;
  }
  if ((row + 1) * (row + 2) / 2 <= tile) {
    row++;
  }
  return vec2u(row, tile - row * (row + 1) / 2);
}

// Block `part` of sqrt(weight) z.
fn staged(entry: AlsEntry, part: u32) -> vec4f {
  let root = sqrt(entry.weight);
  if (part < FACTOR_BLOCKS) {
    return root * fixed_factors[entry.other * FACTOR_BLOCKS + part];
  }
  if (part + 1 < ROW_BLOCKS) {
    return vec4f(root, 0.0, 0.0, 0.0);
  }
  @if(implicit) {
    return vec4f(select(0.0, entry.target_value / root, root > 0.0), sqrt(entry.target_value), 0.0, 0.0);
  }
  @if(!implicit) {
    // In a model without biases those of the fixed side are zero.
    let target_left = root * (entry.target_value - fixed_bias[entry.other]);
    return vec4f(target_left, target_left, 0.0, 0.0);
  }
}

// Adds the entries from `first` up to `end`, CHUNK at a time through workgroup memory. All invocations must call it.
fn accumulate(tiles: ptr<function, Tiles>, first: u32, end: u32, local_index: u32) {
  for (var start = first; start < end; start += CHUNK) {
    let count = min(CHUNK, end - start);
    workgroupBarrier();
    for (var at = local_index; at < count * ROW_BLOCKS; at += THREADS) {
      sh_rows[at] = staged(entries[start + at / ROW_BLOCKS], at % ROW_BLOCKS);
    }
    workgroupBarrier();
    for (var t = 0u; t < TILES; t++) {
      let place = place_of(local_index + t * THREADS);
      var tile = (*tiles)[t];
      for (var e = 0u; e < count; e++) {
        let rows = sh_rows[e * ROW_BLOCKS + place.x];
        let columns = sh_rows[e * ROW_BLOCKS + place.y];
        tile[0] += rows * columns.x;
        tile[1] += rows * columns.y;
        tile[2] += rows * columns.z;
        tile[3] += rows * columns.w;
      }
      (*tiles)[t] = tile;
    }
  }
}
