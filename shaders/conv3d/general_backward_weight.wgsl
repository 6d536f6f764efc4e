// Gradient of a convolution of any stride, padding, dilation and number of groups with respect to its weights, brick by
// brick; reduce/columns.wgsl adds the bricks.
//
//   partials[brick][co][ci][t] = sum_{n,o in brick} grad_output[n,co,o] * input[n, g*Ci/G + ci, o*stride - padding + t*dilation]
//
// o is a position (z,y,x) of the output, t a tap (dz,dy,dx), g the group of co; the input is 0 outside.
// A brick is some rows of one plane of the output, or some whole planes.
//
// Layout: volumes [n*D+z][c][y][x]; partials [brick][co][ci][dz][dy][dx], ci counted within the group. "Entry" j is
// ci * taps + t: the entries of one co are contiguous.
// Mapping: one invocation sums four entries for TILE_CO output channels of a group. gid.x runs over (group, block of
// channels, four entries), gid.y over bricks.

struct Params {
  // #include common/convolution_fields
  blocks: u32, // of channels in a group
  planes: u32, // of the batch
  brick_planes: u32,
  brick_rows: u32,
  bricks_per_plane: u32,
  first_brick: u32,
  input_base: u32,
  grad_output_base: u32,
}

const TILE_CO = 1u; // #set

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

fn load(at: u32, inside: bool) -> f32 {
  if (!inside) { return 0.0; }
  return input[at];
}

fn store(at: u32, entry: u32, entries: u32, sum: vec4f) {
  partials[at] = sum.x;
  if (entry + 1u < entries) { partials[at + 1u] = sum.y; }
  if (entry + 2u < entries) { partials[at + 2u] = sum.z; }
  if (entry + 3u < entries) { partials[at + 3u] = sum.w; }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let taps_hw = params.kernel_h * params.kernel_w;
  let taps = params.kernel_d * taps_hw;
  let entries = params.group_inputs * taps;
  let fours = (entries + 3u) / 4u;
  let entry = gid.x % fours * 4u;
  let blocks = params.blocks * (params.out_channels / params.group_outputs);
  if (gid.x / fours >= blocks) { return; }
  let group = gid.x / fours / params.blocks;
  let first = gid.x / fours % params.blocks * TILE_CO;
  let brick = params.first_brick + gid.y;

  // A channel past the end of the group repeats the last one, and so does an entry past the end; neither is stored.
  let last = params.group_outputs - 1u;
  // #each TILE_CO let channel$ = group * params.group_outputs + min(first + $u, last);
  // #each TILE_CO var sum$ = vec4f(0.0);

  let four = min(vec4u(entry) + vec4u(0u, 1u, 2u, 3u), vec4u(entries - 1u));
  let channel = group * params.group_inputs + four / taps;
  let z_offset = four % taps / taps_hw * params.dilation_d - params.padding_d;
  let y_offset = four % taps_hw / params.kernel_w * params.dilation_h - params.padding_h;
  let x_offset = four % params.kernel_w * params.dilation_w - params.padding_w;

  let first_plane = brick / params.bricks_per_plane * params.brick_planes;
  let end_plane = min(first_plane + params.brick_planes, params.planes);
  let first_row = brick % params.bricks_per_plane * params.brick_rows;
  let end_row = min(first_row + params.brick_rows, params.out_height);
  for (var plane = first_plane; plane < end_plane; plane++) {
    let n = plane / params.out_depth;
    // Unsigned wrap-around makes positions before the start large, so one comparison bounds both ends.
    let z = plane % params.out_depth * params.stride_d + z_offset;
    for (var yo = first_row; yo < end_row; yo++) {
      let y = yo * params.stride_h + y_offset;
      let inside = (z < vec4u(params.in_depth)) & (y < vec4u(params.in_height));
      if (!any(inside)) { continue; }
      let rows = (((n * params.in_depth + z) * params.in_channels + channel) * params.in_height + y)
        * params.in_width - params.input_base;
      let grads = plane * params.out_channels * params.out_height + yo;
      // #each TILE_CO let grads$ = (grads + channel$ * params.out_height) * params.out_width - params.grad_output_base;
      // Rows are summed on their own first: one long chain of f32 additions would lose digits.
      // #each TILE_CO var row$ = vec4f(0.0);
      for (var xo = 0u; xo < params.out_width; xo++) {
        let x = xo * params.stride_w + x_offset;
        let valid = inside & (x < vec4u(params.in_width));
        let values = vec4f(
          load(rows.x + x.x, valid.x),
          load(rows.y + x.y, valid.y),
          load(rows.z + x.z, valid.z),
          load(rows.w + x.w, valid.w),
        );
        // #each TILE_CO row$ = fma(vec4f(grad_output[grads$ + xo]), values, row$);
      }
      // #each TILE_CO sum$ += row$;
    }
  }

  let size = params.out_channels * entries;
  // #each TILE_CO if (first + $u <= last) { store(brick * size + channel$ * entries + entry, entry, entries, sum$); }
}
