// G p of each row of a block, G = Q^T Q: what every cell of the matrix, observed or not, adds to A p.
//
// An invocation owns a row and COLUMNS columns of G (G is symmetric: they are rows). Neighbouring invocations have the
// same columns, at addresses that do not depend on them, so that a load serves a whole subgroup. k^2 multiply-adds a row;
// reads 4 k bytes for each COLUMNS columns, writes 4 k.

import package::lib::als::{AlsBlock, AlsOptions};
import package::lib::dispatch::{WORKGROUP_SIZE, linear_workgroup};
import package::lib::model::FACTOR_BLOCKS;

@group(0) @binding(0) var<storage, read> directions: array<vec4f>;
// k x k, padded: 4 FACTOR_BLOCKS rows of FACTOR_BLOCKS vec4s, and rows of zeros up to a whole number of COLUMNS.
@group(0) @binding(1) var<storage, read> gram_matrix: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> products: array<vec4f>;
@group(0) @binding(3) var<uniform> options: AlsOptions;

@group(1) @binding(0) var<uniform> row_block: AlsBlock;

const COLUMNS: u32 = 16;

@compute @workgroup_size(WORKGROUP_SIZE)
fn als_product(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let tiles = (4 * options.blocks + COLUMNS - 1) / COLUMNS;
  let group = linear_workgroup(workgroup, workgroups);
  let slot = (group / tiles) * WORKGROUP_SIZE + local_index;
  let column = (group % tiles) * COLUMNS;
  if (slot >= row_block.slots) {
    return;
  }
  let start = slot * (FACTOR_BLOCKS + 1);
  var sums: array<vec4f, COLUMNS / 4>;
  for (var part = 0u; part < options.blocks; part++) {
    let p = directions[start + part];
    for (var c = 0u; c < COLUMNS / 4; c++) {
      let g = (column + 4 * c) * options.blocks + part;
      sums[c] += vec4f(
        dot(p, gram_matrix[g]),
        dot(p, gram_matrix[g + options.blocks]),
        dot(p, gram_matrix[g + 2 * options.blocks]),
        dot(p, gram_matrix[g + 3 * options.blocks]),
      );
    }
  }
  for (var c = 0u; c < COLUMNS / 4; c++) {
    if (column / 4 + c < FACTOR_BLOCKS) {
      products[slot * FACTOR_BLOCKS + column / 4 + c] = sums[c];
    }
  }
}
