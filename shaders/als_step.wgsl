// One step of conjugate gradient for each row of a block, over the sums that `als_apply` left (Hestenes, Stiefel 1952):
//
//   A p = sum of the partials + w0 G p + lambda p,
//   alpha = rho / p . A p,  x += alpha p,  r -= alpha A p,  z = M r,  rho' = r . z,  p <- z + (rho' / rho) p;
//   the row's objective, x . A x - 2 b . x + const, falls by alpha rho.
//
// M scales the bias's part by the ratio of the mean diagonal elements of A, without which the bias, whose column is of
// ones, would take all of the first steps. Initially r = b - A x instead, and p = M r.
//
// A slice owns a slot. Reads the partials, G p and p, reads and writes x and r: 28 k bytes a row and 4 k a further partial.
// A row is done where its residual is down to rounding errors, or where p . A p, which is positive but for rounding errors, is
// not. What is not finite leaves an objective that is not, which the solver finds.

import constants::{LANES, VECS};
import package::lib::als::{AlsBlock, AlsOptions, BIASES, is_finite};
import package::lib::dispatch::linear_workgroup;
import package::lib::model::FACTOR_BLOCKS;
import package::lib::slices::{SLICES, sum_first, sum_second};
@if(subgroups) enable subgroups;

@group(0) @binding(0) var<storage, read_write> solved_factors: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> solved_bias: array<f32>;
@group(0) @binding(2) var<storage, read> partials: array<vec4f>;
// G p; not bound to anything of use in explicit models.
@group(0) @binding(3) var<storage, read> products: array<vec4f>;
// p; the last vec4 of a slot: the bias's part, 1 where the row is done, rho at the start.
@group(0) @binding(4) var<storage, read_write> directions: array<vec4f>;
// r; the last vec4 of a slot: the bias's part, rho, the objective, the bias's scale in M.
@group(0) @binding(5) var<storage, read_write> residuals: array<vec4f>;
// (objective, 0) of each row.
@group(0) @binding(6) var<storage, read_write> sums: array<vec2f>;
@group(0) @binding(7) var<uniform> options: AlsOptions;

@group(1) @binding(0) var<storage, read> rows: array<vec4u>;
@group(1) @binding(1) var<uniform> row_block: AlsBlock;

alias Row = array<vec4f, VECS>;

// A residual this small is none: below it products would underflow; and rho does not fall further, from where it starts,
// than single precision lets it.
const SMALLEST_RHO: f32 = 1e-30;
const SMALLEST_SHARE: f32 = 0x1p-40;

fn inside(part: u32) -> bool {
  return FACTOR_BLOCKS % LANES == 0 || part < FACTOR_BLOCKS;
}

@compute @workgroup_size(LANES * SLICES)
fn als_step(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let first_slot = linear_workgroup(workgroup, workgroups) * SLICES;
  if (first_slot >= row_block.slots) {
    return;
  }
  let slice = select(local_index / LANES, 0, SLICES == 1);
  let lane = local_index - slice * LANES;
  let owned = SLICES == 1 || first_slot + slice < row_block.slots;
  let slot = select(first_slot, first_slot + slice, owned);
  let start = slot * (FACTOR_BLOCKS + 1);
  let row = rows[slot];
  let weight = bitcast<f32>(row.w);
  let penalty = options.factor_penalty * weight;
  let bias_penalty = select(0.0, options.bias_penalty * weight, BIASES);

  // The entries' part of A p, or of b - A x.
  var p: Row;
  var applied: Row;
  var extra = vec4f();
  for (var partial = row.y; partial < row.y + row.z; partial++) {
    for (var v = 0u; v < VECS; v++) {
      let part = v * LANES + lane;
      if (inside(part)) {
        applied[v] += partials[partial * (FACTOR_BLOCKS + 1) + part];
      }
    }
    extra += partials[partial * (FACTOR_BLOCKS + 1) + FACTOR_BLOCKS];
  }
  let p_extra = directions[start + FACTOR_BLOCKS];
  var product = 0.0;
  for (var v = 0u; v < VECS; v++) {
    let part = v * LANES + lane;
    if (inside(part)) {
      p[v] = directions[start + part];
      var own = penalty * p[v];
      @if(implicit) {
        own += options.unobserved * products[slot * FACTOR_BLOCKS + part];
      }
      @if(initial) {
        applied[v] -= own;
        product += dot(p[v], own);
      }
      @if(!initial) {
        applied[v] += own;
        product += dot(p[v], applied[v]);
      }
    }
  }

  @if(initial) {
    let objective = extra.y + sum_first(product, local_index) + bias_penalty * p_extra.x * p_extra.x;
    let diagonal = extra.z / f32(options.factors) + penalty;
    let scale = select(0.0, diagonal / (extra.w + bias_penalty), BIASES);
    let bias_residual = select(0.0, extra.x - bias_penalty * p_extra.x, BIASES);
    var square = 0.0;
    for (var v = 0u; v < VECS; v++) {
      square += dot(applied[v], applied[v]);
    }
    let rho = sum_second(vec2f(square, 0.0), local_index).x + scale * bias_residual * bias_residual;
    if (owned) {
      let extra_direction = vec4f(scale * bias_residual, select(0.0, 1.0, rho < SMALLEST_RHO), rho, 0.0);
      store(start, lane, applied, applied, extra_direction, vec4f(bias_residual, rho, objective, scale));
      if (lane == 0) {
        sums[row_block.pair_start + slot] = vec2f(objective, 0.0);
      }
    }
  }

  @if(!initial) {
    let state = residuals[start + FACTOR_BLOCKS];
    let bias_applied = select(0.0, extra.x + bias_penalty * p_extra.x, BIASES);
    let curvature = sum_first(product, local_index) + p_extra.x * bias_applied;
    let rho = state.y;
    let done = p_extra.y > 0.0;
    let level = curvature <= 0.0 && is_finite(curvature);
    let alpha = select(rho / curvature, 0.0, done || level);
    var r: Row;
    var square = 0.0;
    for (var v = 0u; v < VECS; v++) {
      let part = v * LANES + lane;
      if (inside(part)) {
        r[v] = residuals[start + part] - alpha * applied[v];
        square += dot(r[v], r[v]);
      }
    }
    let bias_residual = state.x - alpha * bias_applied;
    let next_rho = sum_second(vec2f(square, 0.0), local_index).x + state.w * bias_residual * bias_residual;
    // A row that is done stays as it is: its partials are of no use.
    if (owned && !done) {
      let beta = next_rho / rho;
      let objective = select(next_rho, state.z - alpha * rho, is_finite(next_rho));
      for (var v = 0u; v < VECS; v++) {
        let part = v * LANES + lane;
        if (inside(part)) {
          solved_factors[row.x * FACTOR_BLOCKS + part] += alpha * p[v];
          p[v] = r[v] + beta * p[v];
        }
      }
      let least = max(SMALLEST_RHO, SMALLEST_SHARE * p_extra.z);
      let ends = level || next_rho < least || alpha * rho <= options.tolerance * abs(objective);
      let bias_direction = state.w * bias_residual + beta * p_extra.x;
      let extra_direction = vec4f(bias_direction, select(0.0, 1.0, ends), p_extra.z, 0.0);
      store(start, lane, r, p, extra_direction, vec4f(bias_residual, next_rho, objective, state.w));
      if (lane == 0) {
        if (BIASES) {
          solved_bias[row.x] += alpha * p_extra.x;
        }
        sums[row_block.pair_start + slot] = vec2f(objective, 0.0);
      }
    }
  }
}

fn store(start: u32, lane: u32, r: Row, p: Row, extra_direction: vec4f, state: vec4f) {
  for (var v = 0u; v < VECS; v++) {
    let part = v * LANES + lane;
    if (inside(part)) {
      residuals[start + part] = r[v];
      directions[start + part] = p[v];
    }
  }
  if (lane == 0) {
    residuals[start + FACTOR_BLOCKS] = state;
    directions[start + FACTOR_BLOCKS] = extra_direction;
  }
}
