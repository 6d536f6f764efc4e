// What an element-wise kernel works on: vec4s, or single numbers where a range of planes does not consist of vec4s.
// Window bases count numbers.

// #if ${VECTOR}
alias Element = vec4f;
const WIDTH = 4u;
// #else
alias Element = f32;
const WIDTH = 1u;
// #endif

// A dispatch over more workgroups than one dimension holds is folded into two; this undoes the fold.
fn linear_index(gid: vec3u, groups: vec3u) -> u32 {
  return gid.y * groups.x * 64u + gid.x;
}
