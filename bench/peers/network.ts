/** The ops that a peer needs for the networks of docs/equations.md; `T` is its tensor type. */
export interface NetworkOps<T> {
  /** 3x3x3 convolution with the weights `LAYER.weight` and the bias `LAYER.bias`. */
  readonly conv: (layer: string, x: T, activation: 'none' | 'relu' | 'sigmoid') => T
  readonly pool: (x: T) => T
  readonly upsample: (x: T) => T
  /** Concatenates channels. */
  readonly concat: (a: T, b: T) => T
}

/** The encoder of docs/equations.md, for volumes whose extents are multiples of 16. */
export function encoder<T>({ conv, pool, upsample, concat }: NetworkOps<T>, scan: T): T {
  const skips: T[] = []
  let x = scan
  for (let level = 0; level < 4; level++) {
    skips.push(conv(`encoder.block${level}`, x, 'relu'))
    x = pool(skips[level]!)
  }
  x = conv('encoder.block4', x, 'relu')
  for (let level = 3; level >= 0; level--)
    x = conv(`encoder.block${8 - level}`, concat(upsample(x), skips[level]!), 'relu')
  return conv('encoder.conv', x, 'none')
}

/** The decoder of docs/equations.md. */
export function decoder<T>({ conv }: NetworkOps<T>, probabilities: T): T {
  return conv('decoder', probabilities, 'sigmoid')
}
