// A logit - 1e12 if the prior is below `threshold`. With LOG_PRIOR, log(prior + least) is added to the logit.
fn within_prior(logit: Element, prior: Element) -> Element {
  var value = logit;
// #if ${LOG_PRIOR}
  value += log_of(prior + params.least);
// #endif
  return select(value, value - Element(1e12), prior < Element(params.threshold));
}
