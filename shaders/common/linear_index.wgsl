// The index of an invocation in a dispatch of workgroups of 64 threads. A dispatch with more workgroups than fit into one
// dimension is folded into two; this undoes the fold.

fn linear_index(gid: vec3u, groups: vec3u) -> u32 {
  return gid.y * groups.x * 64u + gid.x;
}
