// The mean-field message of an MRF prior: what a voxel's neighbours say of its class.
//
//   output[c] = sum_k table[c,k] * (box[k] - centre[k])          (TRANSPOSE: table[k,c])
//
// box is the sum over the cube about the voxel, centre the voxel itself.
// Mapping: one invocation per voxel; gid.x runs over the voxels of a plane, gid.y over the planes of the slab.

struct Params {
  classes: u32,
  area: u32,
  first_plane: u32,
  box_base: u32,
  centre_base: u32,
  output_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> box: array<f32>;
@group(0) @binding(3) var<storage, read> centre: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  if (gid.x >= params.area) { return; }
  let first = (params.first_plane + gid.y) * params.classes * params.area + gid.x;
  for (var c = 0u; c < params.classes; c++) {
    var sum = 0.0;
    for (var k = 0u; k < params.classes; k++) {
      let at = first + k * params.area;
// #if ${TRANSPOSE}
      let weight = table[k * params.classes + c];
// #else
      let weight = table[c * params.classes + k];
// #endif
      sum = fma(weight, box[at - params.box_base] - centre[at - params.centre_base], sum);
    }
    output[first + c * params.area - params.output_base] = sum;
  }
}
