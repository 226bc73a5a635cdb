// Work is counted in one dimension and dispatched in two, past 65,535 workgroups a dimension.

const WORKGROUP_SIZE: u32 = 64;

fn linear_workgroup(workgroup: vec3u, workgroups: vec3u) -> u32 {
  return workgroup.y * workgroups.x + workgroup.x;
}

fn linear_invocation(workgroup: vec3u, workgroups: vec3u, local_index: u32) -> u32 {
  return linear_workgroup(workgroup, workgroups) * WORKGROUP_SIZE + local_index;
}
