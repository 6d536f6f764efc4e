// The functions of activation/, as values of the constant KIND. The numbers have no other meaning.

const LEAKY_RELU = 0u;
const GELU = 1u;
const SILU = 2u;
const SIGMOID = 3u;
const TANH = 4u;
const SOFTPLUS = 5u;
const ELU = 6u;
const NEGATE = 7u;
const EXP = 8u;
const LOG = 9u;
const SQRT = 10u;
const SQUARE = 11u;
const ABS = 12u;
const CLAMP = 13u;
