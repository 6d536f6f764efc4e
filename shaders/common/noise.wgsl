// Four uniform variates in (0, 1) for a key (voxel, channel / 4, step, seed).
// pcg4d of Jarzynski and Olano, "Hash functions for GPU rendering", JCGT 2020.
fn noise_of(key: vec4u) -> vec4f {
  var v = key * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return (vec4f(v >> vec4u(9u)) + 0.5) * 0x1p-23;
}
