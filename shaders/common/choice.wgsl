// What argmax compares: scores of classes, which have one channel or several (see argmax/forward.wgsl).

// #if ${VECTOR}
alias Classes = vec4u;
// #else
alias Classes = u32;
// #endif

// The largest score so far, and the first class that has it.
struct Best {
  score: Element,
  k: Classes,
}

fn better(best: Best, score: Element, k: u32) -> Best {
  let larger = score > best.score;
  return Best(select(best.score, score, larger), select(best.k, Classes(k), larger));
}

// A sum of exponentials: `shares` is in units of the largest.
struct ExpSum {
  largest: Element,
  shares: Element,
}

fn add_exp(sum: ExpSum, value: Element) -> ExpSum {
  // The smaller of the two, in units of the larger.
  let share = exp_of(-abs(value - sum.largest));
  let shares = select(sum.shares + share, sum.shares * share + 1.0, value > sum.largest);
  return ExpSum(max(sum.largest, value), shares);
}

fn log_of_sum(sum: ExpSum) -> Element {
  return sum.largest + log_of(sum.shares);
}
