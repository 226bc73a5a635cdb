// The Gram matrix of a table, G = Q^T Q, in parts: a workgroup sums q_i q_j over one chunk of the rows, for ROWS rows of G
// and LANES of its columns' vec4s. An invocation owns the ROWS vec4s of one such column; q_i is at an address that does not
// depend on it. `gram_sum` adds the chunks in order. A dispatch takes the rows of one shard; a chunk that began in the one
// before goes on from its sums.
//
// n k^2 multiply-adds; reads 4 k bytes a row for each ROWS rows of G.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};

struct GramShape {
  table_rows: u32,
  // Rows of the table in a chunk; how many chunks there are; the first of a dispatch.
  chunk: u32,
  chunks: u32,
  first_chunk: u32,
  // vec4s in a row
  blocks: u32,
  // Of the whole table: `table` holds the rows from this one on.
  first_row: u32,
}

@group(0) @binding(0) var<storage, read> table: array<vec4f>;
// chunks x G
@group(0) @binding(1) var<storage, read_write> parts: array<vec4f>;
@group(0) @binding(2) var<uniform> shape: GramShape;

const ROWS: u32 = 16;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gram(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let row_tiles = (4 * shape.blocks + ROWS - 1) / ROWS;
  let column_tiles = (shape.blocks + WORKGROUP_SIZE - 1) / WORKGROUP_SIZE;
  let group = linear_workgroup(workgroup, workgroups);
  let chunk = shape.first_chunk + group / (row_tiles * column_tiles);
  if (chunk >= shape.chunks) {
    return;
  }
  let first_block = (group / column_tiles) % row_tiles * (ROWS / 4);
  let column = (group % column_tiles) * WORKGROUP_SIZE + local_index;
  if (column >= shape.blocks) {
    return;
  }
  var sums: array<vec4f, ROWS>;
  let start = chunk * shape.chunk;
  if (start < shape.first_row) {
    // The chunk goes on from the shard before.
    for (var r = 0u; r < ROWS; r++) {
      let g = 4 * first_block + r;
      if (g < 4 * shape.blocks) {
        sums[r] = parts[(chunk * 4 * shape.blocks + g) * shape.blocks + column];
      }
    }
  }
  let end = min(start + shape.chunk - shape.first_row, shape.table_rows);
  for (var row = max(start, shape.first_row) - shape.first_row; row < end; row++) {
    let q = table[row * shape.blocks + column];
    for (var r = 0u; r < ROWS / 4; r++) {
      if (first_block + r < shape.blocks) {
        let own = table[row * shape.blocks + first_block + r];
        sums[4 * r] += own.x * q;
        sums[4 * r + 1] += own.y * q;
        sums[4 * r + 2] += own.z * q;
        sums[4 * r + 3] += own.w * q;
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    let g = 4 * first_block + r;
    if (g < 4 * shape.blocks) {
      parts[(chunk * 4 * shape.blocks + g) * shape.blocks + column] = sums[r];
    }
  }
}
