// Sums over the 26 neighbours of each voxel, a cube of three voxels without its centre; positions outside are replaced by the
// nearest edge voxel:
//
//   output[z,y,x] = sum_{dz,dy,dx = -1..1} input[clamp(z+dz), clamp(y+dy), clamp(x+dx)] - input[z,y,x]
//
// The map is its own adjoint: at an edge, clamping adds the edge voxel to its own sum only.
// Mapping: one invocation per pair of rows and run of RUN planes, for one x or, with VECTOR, four neighbouring ones; gid.x runs over
// those of a plane, gid.y over channels, gid.z over runs. It goes down the planes and keeps the sums of the last two, so that each
// plane is read once.

struct Params {
  channels: u32,
  depth: u32,
  height: u32,
  width: u32,
  first_plane: u32,
  last_plane: u32,
  input_base: u32,
  output_base: u32,
}

const RUN = 8u; // #set

@group(0) @binding(0) var<uniform> params: Params;
alias StoredInput = Element; // #stored input
@group(0) @binding(1) var<storage, read> input: array<StoredInput>;
alias StoredOutput = Element; // #stored output
@group(0) @binding(2) var<storage, read_write> output: array<StoredOutput>;

// #include common/linear

// A voxel, and the line of three along x about it.
struct Line {
  own: Element,
  sum: Element,
}

fn line_at(start: u32, x: u32, width: u32) -> Line {
  let own = Element(input[start + x]);
  let left = Element(input[start + max(x, 1u) - 1u]);
  let right = Element(input[start + min(x + 1u, width - 1u)]);
// #if ${VECTOR}
  let before = select(left.w, own.x, x == 0u);
  let after = select(right.x, own.w, x + 1u == width);
  return Line(own, vec4f(before, own.xyz) + own + vec4f(own.yzw, after));
// #else
  return Line(own, left + own + right);
// #endif
}

// Two neighbouring rows of a plane, and the squares of nine voxels about theirs.
struct Rows {
  own: array<Element, 2>,
  sum: array<Element, 2>,
}

fn rows_at(start: u32, x: u32, y: u32, width: u32) -> Rows {
  let last = params.height - 1u;
  let above = line_at(start + (max(y, 1u) - 1u) * width, x, width);
  let upper = line_at(start + y * width, x, width);
  let lower = line_at(start + min(y + 1u, last) * width, x, width);
  let below = line_at(start + min(y + 2u, last) * width, x, width);
  let both = upper.sum + lower.sum;
  return Rows(array(upper.own, lower.own), array(above.sum + both, both + below.sum));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u) {
  let width = params.width / WIDTH;
  let x = gid.x % width;
  let y = gid.x / width * 2u;
  if (y >= params.height) { return; }
  let stride = params.channels * params.height * width;
  // Slabs do not cross from one volume of the batch to the next.
  let volume = params.first_plane / params.depth * params.depth;
  let source = volume * stride + gid.y * params.height * width - params.input_base / WIDTH;
  let to = volume * stride + (gid.y * params.height + y) * width + x - params.output_base / WIDTH;
  let begin = params.first_plane - volume + gid.z * RUN;
  let end = min(begin + RUN, params.last_plane - volume);

  // One call in a loop, not three: drivers inline it, and a text three times as long takes three times as long to compile.
  var before: Rows;
  var here: Rows;
  for (var next = begin; next < end + 2u; next++) {
    let after = rows_at(source + min(max(next, 1u) - 1u, params.depth - 1u) * stride, x, y, width);
    if (next > begin + 1u) {
      let at = to + (next - 2u) * stride;
      output[at] = StoredOutput(before.sum[0] + after.sum[0] + (here.sum[0] - here.own[0]));
      if (y + 1u < params.height) {
        output[at + width] = StoredOutput(before.sum[1] + after.sum[1] + (here.sum[1] - here.own[1]));
      }
    }
    before = here;
    here = after;
  }
}
