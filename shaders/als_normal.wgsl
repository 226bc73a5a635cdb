// The normal equations (`lib/normal_tiles.wgsl`) of a segment of a row that is too heavy for one workgroup; `als_cholesky`
// adds a row's segments in order. A workgroup owns a segment. k^2 / 2 multiply-adds and 4 k + 12 bytes an entry.

import constants::{THREADS, TILES};
import package::lib::als::AlsBlock;
import package::lib::dispatch::linear_workgroup;
import package::lib::normal_tiles::{TILE_COUNT, Tiles, accumulate};

// (first entry, end, slot, place) of each segment.
@group(0) @binding(3) var<storage, read> segments: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> normal_parts: array<mat4x4f>;
@group(0) @binding(5) var<uniform> row_block: AlsBlock;

@compute @workgroup_size(THREADS)
fn als_normal(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let group = linear_workgroup(workgroup, workgroups);
  if (group >= row_block.segments) {
    return;
  }
  let segment = segments[group];
  var tiles: Tiles;
  accumulate(&tiles, segment.x, segment.y, local_index);
  for (var t = 0u; t < TILES; t++) {
    let tile = local_index + t * THREADS;
    if (tile < TILE_COUNT) {
      normal_parts[segment.w * TILE_COUNT + tile] = tiles[t];
    }
  }
}
