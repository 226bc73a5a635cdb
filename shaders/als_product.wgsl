// G p of each row of a block, G = Q^T Q: what every cell of the matrix, observed or not, adds to A p.
//
// An invocation owns ROWS rows, WORKGROUP_SIZE apart, and COLUMNS columns of G (G is symmetric: they are rows). Neighbouring
// invocations have the same columns, at addresses that do not depend on them, so that a load serves a whole subgroup. k^2
// multiply-adds a row, ROWS x COLUMNS of them in registers at a time; reads 4 k bytes for each COLUMNS columns, writes 4 k.

import package::lib::als::{AlsBlock, AlsOptions};
import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::FACTOR_BLOCKS;

@group(0) @binding(0) var<storage, read> directions: array<vec4f>;
// k x k, padded: 4 FACTOR_BLOCKS rows of FACTOR_BLOCKS vec4s, and rows of zeros up to a whole number of COLUMNS.
@group(0) @binding(1) var<storage, read> gram_matrix: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> products: array<vec4f>;
@group(0) @binding(3) var<uniform> options: AlsOptions;

@group(1) @binding(0) var<uniform> row_block: AlsBlock;

const ROWS: u32 = 4;
const COLUMNS: u32 = 8;

@compute @workgroup_size(WORKGROUP_SIZE)
fn als_product(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let tiles = (4 * options.blocks + COLUMNS - 1) / COLUMNS;
  let group = linear_workgroup(workgroup, workgroups);
  let first = (group / tiles) * (ROWS * WORKGROUP_SIZE) + local_index;
  let column = (group % tiles) * COLUMNS;
  if (first >= row_block.slots) {
    return;
  }
  var starts: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    starts[r] = min(first + r * WORKGROUP_SIZE, row_block.slots - 1) * (FACTOR_BLOCKS + 1);
  }
  var sums: array<f32, ROWS * COLUMNS>;
  for (var part = 0u; part < options.blocks; part++) {
    var p: array<vec4f, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
      p[r] = directions[starts[r] + part];
    }
    for (var c = 0u; c < COLUMNS; c++) {
      let g = gram_matrix[(column + c) * options.blocks + part];
      for (var r = 0u; r < ROWS; r++) {
        sums[r * COLUMNS + c] = fma(p[r].w, g.w, fma(p[r].z, g.z, fma(p[r].y, g.y, fma(p[r].x, g.x, sums[r * COLUMNS + c]))));
      }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    let slot = first + r * WORKGROUP_SIZE;
    for (var c = 0u; c < COLUMNS; c += 4) {
      if (slot < row_block.slots && (column + c) / 4 < FACTOR_BLOCKS) {
        let sum = r * COLUMNS + c;
        products[slot * FACTOR_BLOCKS + (column + c) / 4] = vec4f(sums[sum], sums[sum + 1], sums[sum + 2], sums[sum + 3]);
      }
    }
  }
}
