// Which indices name the same position: a list for each position, in increasing order of j. So a gradient adds up in a fixed
// order, without atomics, and its cost does not depend on how many positions there are.
//
//   links[p]          = the first j with indices[j] = p                  for each position p < length
//   links[length + i] = the first j > i with indices[j] = indices[i]     for each index i < taken
//
// both `taken` if there is none.
// Mapping: one invocation per link.

struct Params {
  length: u32,
  taken: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

// #include common/linear_index

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let link = linear_index(gid, groups);
  if (link >= params.length + params.taken) { return; }
  var position = link;
  var j = 0u;
  if (link >= params.length) {
    j = link - params.length;
    position = indices[j];
    j++;
  }
  while (j < params.taken && indices[j] != position) { j++; }
  links[link] = j;
}
