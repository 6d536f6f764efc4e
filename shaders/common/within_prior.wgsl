// A logit - 1e12 if the prior is below `threshold`. With LOG_PRIOR, log(prior + least) is added to the logit.
fn within_prior(logit: Element, prior: Element) -> Element {
  var value = logit;
// #if ${LOG_PRIOR}
  let p = prior + params.least;
// #if ${VECTOR}
  value += vec4f(log_exact(p.x), log_exact(p.y), log_exact(p.z), log_exact(p.w));
// #else
  value += log_exact(p);
// #endif
// #endif
  return select(value, value - Element(1e12), prior < Element(params.threshold));
}
