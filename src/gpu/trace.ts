/** Shows what the engine makes of a graph, for debugging. Each function that is given is called with text of many lines. */
export interface Trace {
  /** Called for each kernel that is compiled: its name and its specialised WGSL, with line numbers. */
  readonly shader?: (text: string) => void
  /** Called for each plan that is compiled: its dispatches, as `formatPlan` prints them. */
  readonly plan?: (text: string) => void
}
