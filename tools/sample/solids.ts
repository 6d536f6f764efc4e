/** Approximate signed distances in millimetres, negative inside; exact to first order near the surface. */

/** Ellipsoid at the origin with semi-axes a, b, c. */
export function ellipsoid(x: number, y: number, z: number, a: number, b: number, c: number): number {
  const inner = Math.hypot(x / a, y / b, z / c)
  const slope = Math.hypot(x / (a * a), y / (b * b), z / (c * c))
  return slope === 0 ? -Math.min(a, b, c) : (inner * (inner - 1)) / slope
}

export type Point = readonly [x: number, y: number, z: number]

/** A bead of a tube. */
export type Bead = readonly [x: number, y: number, z: number, radius: number]

/** Tube through beads, whose radius changes linearly from one to the next. */
export function tube([x, y, z]: Point, beads: readonly Bead[]): number {
  let nearest = Infinity
  for (let i = 1; i < beads.length; i++) {
    const [ax, ay, az, ar] = beads[i - 1]!
    const [bx, by, bz, br] = beads[i]!
    const [ux, uy, uz] = [bx - ax, by - ay, bz - az]
    const along = ((x - ax) * ux + (y - ay) * uy + (z - az) * uz) / (ux * ux + uy * uy + uz * uz)
    const t = Math.min(Math.max(along, 0), 1)
    const distance = Math.hypot(x - ax - t * ux, y - ay - t * uy, z - az - t * uz)
    nearest = Math.min(nearest, distance - ar - t * (br - ar))
  }
  return nearest
}

/** Union of two solids, rounded over a distance of `k` where they meet. */
export function joined(a: number, b: number, k: number): number {
  const h = Math.max(k - Math.abs(a - b), 0) / k
  return Math.min(a, b) - (h * h * k) / 4
}

/** What two solids share, rounded as `joined`. */
export function shared(a: number, b: number, k: number): number {
  return -joined(-a, -b, k)
}
