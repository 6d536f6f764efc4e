/** Sums of weights that differ by less are equal: their terms were added in another order. */
const rounding = 1e-9

/**
 * Adds up weights by label. Few labels meet in one place, so a list is searched.
 *
 * Ties go to the lower or to the higher label, as `clear` is told. Take turns, as on a chessboard: between grids half a voxel
 * apart every face of a structure is a tie, and the background would eat it away.
 */
export class Poll {
  private readonly labels: number[] = []
  private readonly weights: number[] = []
  private count = 0
  private lower = true

  /** @param lower whether the lower label wins a tie, else the higher */
  clear(lower: boolean): void {
    this.count = 0
    this.lower = lower
  }

  add(label: number, weight: number): void {
    if (weight === 0) return
    for (let i = 0; i < this.count; i++) {
      if (this.labels[i] === label) {
        this.weights[i]! += weight
        return
      }
    }
    this.labels[this.count] = label
    this.weights[this.count++] = weight
  }

  winner(): number {
    let best = 0
    for (let i = 1; i < this.count; i++) {
      const ahead = this.weights[i]! - this.weights[best]!
      const isLower = this.labels[i]! < this.labels[best]!
      if (ahead > rounding || (ahead >= -rounding && isLower === this.lower)) best = i
    }
    return this.labels[best]!
  }
}
