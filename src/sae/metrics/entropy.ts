/**
 * How uncertain a posterior is at each voxel: -sum_c q_c log q_c, in nats, from 0 to log K.
 *
 * @param posterior class probabilities, [K, ...]
 * @returns [...]
 */
export function entropyOf(posterior: Float32Array, K: number): Float32Array {
  const voxels = posterior.length / K
  const entropy = new Float32Array(voxels)
  for (let c = 0, at = 0; c < K; c++) {
    for (let i = 0; i < voxels; i++, at++) {
      const q = posterior[at]!
      // Rounding can leave a certain class a hair above 1.
      if (q > 0 && q < 1) entropy[i]! -= q * Math.log(q)
    }
  }
  return entropy
}
