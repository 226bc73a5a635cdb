// The exact solution of each row's normal equations A x = b (`lib/als.wgsl`) by Cholesky's method, A = L L^T. A workgroup
// owns a row; the tiles stay in the registers of the invocations that own them, and what the others need of a block column
// goes through workgroup memory. The triangle that is factorized has b below A, so that L y = b is solved on the way; what is
// left of the row's objective is const - |y|^2.
//
// Right-looking: for each block column c, the tile (c, c) becomes the inverse of its factor, the tiles below it become
// those of L, and the trailing ones lose L_ic L_jc^T. Then L^T x = y from the last block up.
//
// (entries k^2 / 2 + k^3 / 6) multiply-adds and 4 k + 12 bytes an entry. A is a sum of squares, so its pivots are positive but
// for rounding errors. An unknown whose pivot is down to those, next to what stood on the diagonal, depends on the ones before
// it: it stays 0. A pivot that is not finite makes x and the objective NaN, which the solver finds.

import constants::{CHUNK, ROW_BLOCKS, THREADS, TILES};
import package::lib::als::{AlsBlock, AlsOptions, is_finite};
import package::lib::dispatch::linear_workgroup;
import package::lib::model::FACTOR_BLOCKS;
import package::lib::normal_tiles::{TILE_COUNT, Tiles, accumulate, place_of};

// G; not bound to anything of use in explicit models.
@group(0) @binding(3) var<storage, read> gram_matrix: array<vec4f>;
// (row, first entry or first part, how many, bits of the factor of its penalty) of each slot.
@group(0) @binding(4) var<storage, read> rows: array<vec4u>;
@group(0) @binding(5) var<storage, read> normal_parts: array<mat4x4f>;
@group(0) @binding(6) var<storage, read_write> directions: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec2f>;
@group(1) @binding(0) var<uniform> options: AlsOptions;
@group(1) @binding(1) var<uniform> row_block: AlsBlock;

// Blocks of unknowns: those of the factors, and the bias's.
const UNKNOWNS: u32 = ROW_BLOCKS - 1;

// A pivot below this share of its diagonal element is rounding errors.
const ROUNDING: f32 = 0x1p-15;

var<workgroup> sh_panel: array<mat4x4f, ROW_BLOCKS>;
var<workgroup> sh_inverse: mat4x4f;
var<workgroup> sh_diagonal: array<vec4f, ROW_BLOCKS>;
// y, then x.
var<workgroup> sh_solution: array<vec4f, ROW_BLOCKS>;

fn not_a_number() -> f32 {
  return bitcast<f32>(0x7fc00000 | row_block.slots);
}

// The inverse of L, where L L^T is the symmetric `a` and `diagonal` what stood on its diagonal before elimination. The rows and
// columns of unknowns that are left out are zero in both.
fn inverse_factor(a: mat4x4f, diagonal: vec4f) -> mat4x4f {
  var l = mat4x4f();
  var inverse_root = vec4f();
  for (var c = 0u; c < 4; c++) {
    var pivot = a[c][c];
    for (var m = 0u; m < c; m++) {
      pivot -= l[m][c] * l[m][c];
    }
    let counts = pivot > ROUNDING * diagonal[c];
    inverse_root[c] = select(not_a_number(), select(0.0, inverseSqrt(pivot), counts), is_finite(pivot));
    for (var r = c; r < 4; r++) {
      var value = a[c][r];
      for (var m = 0u; m < c; m++) {
        value -= l[m][r] * l[m][c];
      }
      l[c][r] = value * inverse_root[c];
    }
  }
  var inverse = mat4x4f();
  for (var c = 0u; c < 4; c++) {
    for (var r = c; r < 4; r++) {
      var value = select(0.0, 1.0, r == c);
      for (var m = c; m < r; m++) {
        value -= l[m][r] * inverse[c][m];
      }
      inverse[c][r] = value * inverse_root[r];
    }
  }
  return inverse;
}

// What A has beside the entries: w0 G, the penalty, and ones where padding has no unknown.
fn regular_part(place: vec2u, weight: f32) -> mat4x4f {
  var tile = mat4x4f();
  @if(implicit) {
    if (place.x < FACTOR_BLOCKS) {
      for (var c = 0u; c < 4; c++) {
        tile[c] = options.unobserved * gram_matrix[(4 * place.y + c) * FACTOR_BLOCKS + place.x];
      }
    }
  }
  if (place.x == place.y && place.x < UNKNOWNS) {
    for (var c = 0u; c < 4; c++) {
      if (place.x == FACTOR_BLOCKS) {
        tile[c][c] += select(1.0, options.bias_penalty * weight, c == 0);
      } else {
        tile[c][c] += select(1.0, options.factor_penalty * weight, 4 * place.x + c < options.factors);
      }
    }
  }
  return tile;
}

@compute @workgroup_size(THREADS)
fn als_cholesky(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let slot = linear_workgroup(workgroup, workgroups);
  if (slot >= row_block.slots) {
    return;
  }
  let row = rows[slot];
  var tiles: Tiles;
  var places: array<vec2u, TILES>;
  for (var t = 0u; t < TILES; t++) {
    places[t] = place_of(local_index + t * THREADS);
  }
  @if(!split) {
    accumulate(&tiles, row.y, row.y + row.z, local_index);
  }
  for (var t = 0u; t < TILES; t++) {
    let tile = local_index + t * THREADS;
    @if(split) {
      for (var part = row.y; part < row.y + row.z; part++) {
        tiles[t] += normal_parts[part * TILE_COUNT + min(tile, TILE_COUNT - 1)];
      }
    }
    tiles[t] += regular_part(places[t], bitcast<f32>(row.w));
    if (tile < TILE_COUNT && places[t].x == places[t].y) {
      sh_diagonal[places[t].x] = vec4f(tiles[t][0][0], tiles[t][1][1], tiles[t][2][2], tiles[t][3][3]);
    }
  }
  workgroupBarrier();

  // UNKNOWNS, as a number that the compiler does not know: see `lib/model.wgsl`.
  let unknowns = options.blocks + (UNKNOWNS - FACTOR_BLOCKS);
  for (var column = 0u; column < unknowns; column++) {
    var diagonal = u32(TILES);
    for (var t = 0u; t < TILES; t++) {
      if (owns(local_index, t) && places[t].x == column && places[t].y == column) {
        diagonal = t;
      }
    }
    if (diagonal < u32(TILES)) {
      let inverse = inverse_factor(tiles[diagonal], sh_diagonal[column]);
      tiles[diagonal] = inverse;
      sh_inverse = inverse;
    }
    workgroupBarrier();
    for (var t = 0u; t < TILES; t++) {
      if (owns(local_index, t) && places[t].x > column && places[t].y == column) {
        tiles[t] = tiles[t] * transpose(sh_inverse);
        sh_panel[places[t].x] = tiles[t];
      }
    }
    workgroupBarrier();
    for (var t = 0u; t < TILES; t++) {
      if (places[t].y > column) {
        tiles[t] -= sh_panel[places[t].x] * transpose(sh_panel[places[t].y]);
      }
    }
  }

  for (var t = 0u; t < TILES; t++) {
    if (owns(local_index, t) && places[t].x == UNKNOWNS && places[t].y < UNKNOWNS) {
      sh_solution[places[t].y] = vec4f(tiles[t][0][0], tiles[t][1][0], tiles[t][2][0], tiles[t][3][0]);
    }
  }
  workgroupBarrier();
  if (local_index == 0) {
    var objective = sh_diagonal[UNKNOWNS].y;
    for (var column = 0u; column < unknowns; column++) {
      objective -= dot(sh_solution[column], sh_solution[column]);
    }
    sums[row_block.pair_start + slot] = vec2f(objective, 0.0);
  }
  workgroupBarrier();
  for (var below = 0u; below < unknowns; below++) {
    let column = unknowns - 1 - below;
    for (var t = 0u; t < TILES; t++) {
      if (owns(local_index, t) && places[t].x == column && places[t].y == column) {
        sh_solution[column] = transpose(tiles[t]) * sh_solution[column];
      }
    }
    workgroupBarrier();
    for (var t = 0u; t < TILES; t++) {
      if (owns(local_index, t) && places[t].x == column && places[t].y < column) {
        sh_solution[places[t].y] -= transpose(tiles[t]) * sh_solution[column];
      }
    }
    workgroupBarrier();
  }
  for (var part = local_index; part < FACTOR_BLOCKS + 1; part += THREADS) {
    var x = vec4f();
    if (part < UNKNOWNS) {
      x = sh_solution[part];
    }
    directions[slot * (FACTOR_BLOCKS + 1) + part] = x;
  }
}

fn owns(local_index: u32, t: u32) -> bool {
  return local_index + t * THREADS < TILE_COUNT;
}
