// Adam (Kingma and Ba, 2015):
//   m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2
//   theta -= rate * (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)
//
// Dense: every row at every step, g of a row that the batch does not hold being the weight decay alone, which is how
// frameworks treat an embedding with dense gradients. Sparse: the rows of the batch, t counting all steps.
// Moves 6 * 16 bytes a vec4 of parameters, 16 a segment's vec4; dense also finds its row among the batch's runs.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::side::PARAMETER_BLOCKS;
import package::lib::step::{batch, side, runs, Place, load_parameters, store_parameters, rate_of};
@if(dense) import package::lib::step::{penalty_of, data_gradient};
@if(!dense) import package::lib::step::{place_in_batch, run_gradient};

@group(1) @binding(0) var<storage, read_write> first_moment: array<vec4f>;
@group(1) @binding(1) var<storage, read_write> second_moment: array<vec4f>;

// The first run of the batch whose row is not below `row`.
@if(dense) fn lower_bound(row: u32) -> u32 {
  var low = batch.run_start;
  var high = batch.run_start + batch.run_count;
  while (low < high) {
    let middle = (low + high) / 2;
    if (runs[middle].x < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Over all rows of the side; `run` is where the batch's run of the row would be.
@if(dense) fn place_in_table(workgroup: vec3u, workgroups: vec3u, local_index: u32) -> Place {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let row = index / PARAMETER_BLOCKS;
  return Place(row < side.rows, lower_bound(row), row, index % PARAMETER_BLOCKS, index);
}

@if(dense) fn row_gradient(at: Place, theta: vec4f) -> vec4f {
  let decay = penalty_of(at.block) * theta;
  if (at.run < batch.run_start + batch.run_count && runs[at.run].x == at.row) {
    return data_gradient(at.run, at.block) + decay;
  }
  return decay;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_adam(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  @if(dense) let at = place_in_table(workgroup, workgroups, local_index);
  @if(!dense) let at = place_in_batch(workgroup, workgroups, local_index);
  if (!at.inside) {
    return;
  }
  let theta = load_parameters(at.row, at.block);
  @if(dense) let g = row_gradient(at, theta);
  @if(!dense) let g = run_gradient(at.run, at.block, theta);
  let m = side.beta_1 * first_moment[at.slot] + (1.0 - side.beta_1) * g;
  let v = side.beta_2 * second_moment[at.slot] + (1.0 - side.beta_2) * g * g;
  first_moment[at.slot] = m;
  second_moment[at.slot] = v;
  let step = (m / batch.correction_1) / (sqrt(v / batch.correction_2) + side.epsilon);
  store_parameters(at.row, at.block, theta - rate_of(at.block) * step);
}
