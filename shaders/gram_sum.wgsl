// Adds the chunks of a Gram matrix (`gram`) in their order. An invocation owns one vec4.

import package::lib::dispatch::{WORKGROUP_SIZE, linear_invocation};
import package::gram::GramShape;

@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> gram_matrix: array<vec4f>;
@group(0) @binding(2) var<uniform> shape: GramShape;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gram_sum(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = linear_invocation(workgroup, workgroups, local_index);
  let size = 4 * shape.blocks * shape.blocks;
  if (index >= size) {
    return;
  }
  var sum = vec4f();
  for (var chunk = 0u; chunk < shape.chunks; chunk++) {
    sum += parts[chunk * size + index];
  }
  gram_matrix[index] = sum;
}
