/** Shows what the engine makes of a graph, for debugging. Each callback receives multi-line text. */
export interface Trace {
  /** Called for each compiled kernel: its name and its specialised WGSL, with line numbers. */
  readonly shader?: (text: string) => void
  /** Called for each compiled plan: its dispatches, as `formatPlan` prints them. */
  readonly plan?: (text: string) => void
}
