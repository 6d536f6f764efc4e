// The elements of an element-wise kernel: vec4s, or single numbers if a range of planes is not made of whole vec4s.
// Window bases count single numbers.

// #if ${VECTOR}
alias Element = vec4f;
const WIDTH = 4u;
// #else
alias Element = f32;
const WIDTH = 1u;
// #endif

// #include common/linear_index
