// The entries' part of A p (`lib/als.wgsl`) for the direction p of each row:
//
//   sum weight (q . p) q,
//
// or, initially, of the residual b - A x, with the entries' part of the row's objective:
//
//   explicit  sum weight (target - q . x) q,      sum weight (target - q . x)^2
//   implicit  sum (target - weight q . x) q,      sum (weight q . x - 2 target) (q . x) + target
//
// No k x k matrix is made (Takacs et al., Applications of the conjugate gradient method for implicit feedback
// collaborative filtering, 2011). A row's entries fall into segments of bounded length, so that a heavy row is the work of
// many slices; their partial sums are added in a fixed order by `als_step`. A slice of LANES invocations owns a segment
// and holds VECS vec4s of p, of its sum and of one q at a time. Segments are sorted, longest first, so those of a workgroup
// are about as long.
//
// Reads 4 k + 12 bytes an entry, and 8 k bytes a segment are read and written.

import constants::{LANES, VECS};
import package::lib::als::{AlsBlock, AlsEntry};
import package::lib::dispatch::linear_workgroup;
import package::lib::model::FACTOR_BLOCKS;
import package::lib::slices::{SLICES, between_sums, sum_first};
@if(subgroups) enable subgroups;

@group(0) @binding(0) var<storage, read> fixed_factors: array<vec4f>;
@group(0) @binding(1) var<storage, read> fixed_bias: array<f32>;
// The last vec4 of a slot: the bias's part, and 1 where the row is done.
@group(0) @binding(2) var<storage, read> directions: array<vec4f>;
// The last vec4 of a partial sum: the bias's part; initially also the objective's, sum weight |q|^2 and sum weight.
@group(0) @binding(3) var<storage, read_write> partials: array<vec4f>;

@group(1) @binding(0) var<storage, read> entries: array<AlsEntry>;
// (first entry, end, slot, place of its sum) of each segment.
@group(1) @binding(1) var<storage, read> segments: array<vec4u>;
@group(1) @binding(2) var<uniform> row_block: AlsBlock;

fn inside(part: u32) -> bool {
  return FACTOR_BLOCKS % LANES == 0 || part < FACTOR_BLOCKS;
}

@compute @workgroup_size(LANES * SLICES)
fn als_apply(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let first_segment = linear_workgroup(workgroup, workgroups) * SLICES;
  if (first_segment >= row_block.segments) {
    return;
  }
  // With one slice all that is found through it is uniform, which compilers for CPUs make use of.
  let slice = select(local_index / LANES, 0, SLICES == 1);
  let lane = local_index - slice * LANES;
  let longest = segments[first_segment];
  @if(initial) let skipped = false;
  @if(!initial) let skipped = SLICES == 1 && directions[longest.z * (FACTOR_BLOCKS + 1) + FACTOR_BLOCKS].y > 0.0;
  let steps = select(longest.y - longest.x, 0, skipped);

  let owned = SLICES == 1 || first_segment + slice < row_block.segments;
  let segment = segments[select(first_segment, first_segment + slice, owned)];
  let start = segment.z * (FACTOR_BLOCKS + 1);
  let extra = directions[start + FACTOR_BLOCKS];
  let works = owned && (initial_pass() || extra.y == 0.0);
  var p: array<vec4f, VECS>;
  var sum: array<vec4f, VECS>;
  for (var v = 0u; v < VECS; v++) {
    let part = v * LANES + lane;
    if (inside(part)) {
      p[v] = directions[start + part];
    }
  }
  var sums = vec4f();
  for (var step = 0u; step < steps; step++) {
    let position = segment.x + step;
    // Beyond the end an entry of weight and target 0 adds nothing.
    var entry = AlsEntry();
    var q = array<vec4f, VECS>();
    if (works && (SLICES == 1 || position < segment.y)) {
      entry = entries[position];
      for (var v = 0u; v < VECS; v++) {
        let part = v * LANES + lane;
        if (inside(part)) {
          q[v] = fixed_factors[entry.other * FACTOR_BLOCKS + part];
        }
      }
    }
    var product = 0.0;
    for (var v = 0u; v < VECS; v++) {
      product += dot(p[v], q[v]);
    }
    let score = sum_first(product, local_index) + extra.x;
    @if(!initial) let coefficient = entry.weight * score;
    @if(initial && implicit) let coefficient = entry.target_value - entry.weight * score;
    @if(initial && implicit) {
      sums.y += (entry.weight * score - 2.0 * entry.target_value) * score + entry.target_value;
    }
    @if(initial && !implicit) let error = error_of(entry, score);
    @if(initial && !implicit) let coefficient = entry.weight * error;
    @if(initial && !implicit) {
      sums.y += coefficient * error;
    }
    for (var v = 0u; v < VECS; v++) {
      sum[v] += coefficient * q[v];
      @if(initial) {
        sums.z += entry.weight * dot(q[v], q[v]);
      }
    }
    sums.x += coefficient;
    @if(initial) {
      sums.w += entry.weight;
    }
    between_sums();
  }
  @if(initial) {
    sums.z = sum_first(sums.z, local_index);
  }
  if (!works) {
    return;
  }
  let place = segment.w * (FACTOR_BLOCKS + 1);
  for (var v = 0u; v < VECS; v++) {
    let part = v * LANES + lane;
    if (inside(part)) {
      partials[place + part] = sum[v];
    }
  }
  if (lane == 0) {
    partials[place + FACTOR_BLOCKS] = sums;
  }
}

@if(initial) fn initial_pass() -> bool {
  return true;
}

@if(!initial) fn initial_pass() -> bool {
  return false;
}

// In a model without biases those of the fixed side are zero.
@if(initial && !implicit) fn error_of(entry: AlsEntry, score: f32) -> f32 {
  return entry.target_value - fixed_bias[entry.other] - score;
}
