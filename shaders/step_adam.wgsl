// Adam (Kingma and Ba, 2015):
//   m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2
//   theta -= rate * (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)
//
// Dense: every row at every step, g of a row that the batch does not hold being the weight decay alone, which is how
// frameworks treat an embedding with dense gradients. Sparse: the rows of the batch, t counting all steps.
// Moves 6 * 16 bytes a vec4 of parameters, 16 a segment's vec4; dense also finds its row among the batch's runs.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::lib::side::PARAMETER_BLOCKS;
import package::lib::step::{batch, side, runs, load_parameters, store_parameters, rate_of, penalty_of, data_gradient, run_gradient};

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

@if(dense) fn row_gradient(row: u32, block: u32, theta: vec4f) -> vec4f {
  let run = lower_bound(row);
  let decay = penalty_of(block) * theta;
  if (run < batch.run_start + batch.run_count && runs[run].x == row) {
    return data_gradient(run, block) + decay;
  }
  return decay;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn step_adam(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let block = index % PARAMETER_BLOCKS;
  @if(dense) let row = index / PARAMETER_BLOCKS;
  @if(dense) if (row >= side.rows) {
    return;
  }
  @if(!dense) if (index >= batch.run_count * PARAMETER_BLOCKS) {
    return;
  }
  @if(!dense) let run = batch.run_start + index / PARAMETER_BLOCKS;
  @if(!dense) let row = runs[run].x;

  let theta = load_parameters(row, block);
  @if(dense) let g = row_gradient(row, block, theta);
  @if(!dense) let g = run_gradient(run, block, theta);
  let slot = row * PARAMETER_BLOCKS + block;
  let m = side.beta_1 * first_moment[slot] + (1.0 - side.beta_1) * g;
  let v = side.beta_2 * second_moment[slot] + (1.0 - side.beta_2) * g * g;
  first_moment[slot] = m;
  second_moment[slot] = v;
  let step = (m / batch.correction_1) / (sqrt(v / batch.correction_2) + side.epsilon);
  store_parameters(row, block, theta - rate_of(block) * step);
}
