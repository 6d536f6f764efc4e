// A dispatch over more workgroups than one dimension holds is folded into two; this undoes the fold.

fn linear_index(gid: vec3u, groups: vec3u) -> u32 {
  return gid.y * groups.x * 64u + gid.x;
}
