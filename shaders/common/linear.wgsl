// The elements of an element-wise kernel: vec4s, or single numbers if a range of planes is not made of whole vec4s.
// Window bases count single numbers.

// #if ${VECTOR}
alias Element = vec4f;
const WIDTH = 4u;
// #else
alias Element = f32;
const WIDTH = 1u;
// #endif

// A dispatch with more workgroups than fit into one dimension is folded into two; this undoes the fold.
fn linear_index(gid: vec3u, groups: vec3u) -> u32 {
  return gid.y * groups.x * 64u + gid.x;
}
