// Whether the lanes of a slice are neighbours in one subgroup: agreed[i] = 1 where for every mask below LANES a shuffle
// brings invocation i the index of invocation i xor mask. WGSL does not say how a workgroup falls into subgroups.

import constants::LANES;
import package::lib::slices::SLICES;
enable subgroups;

struct Probe {
  invocations: u32,
}

@group(0) @binding(0) var<storage, read_write> agreed: array<u32>;
@group(0) @binding(1) var<uniform> probe: Probe;

@compute @workgroup_size(LANES * SLICES)
fn shuffle_probe(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local_index: u32) {
  var agrees = 1u;
  for (var mask = 1u; mask < LANES; mask *= 2) {
    let neighbour = subgroupShuffleXor(local_index, mask);
    agrees &= u32(neighbour == (local_index ^ mask));
  }
  if (workgroup.x == 0 && local_index < probe.invocations) {
    agreed[local_index] = agrees;
  }
}
