/** Names of a vector's components, in order. */
export const component = ['x', 'y', 'z', 'w']

/** The first 1 to 4 components of a vec4f: a suffix. */
export function firstOf(size: number): string {
  return size === 4 ? '' : `.${'xyzw'.slice(0, size)}`
}

/** Component i of a register that holds 1 to 4 numbers. */
export function componentOf(register: string, size: number, i: number): string {
  return size === 1 ? register : `${register}.${component[i]!}`
}

/** A number, repeated in each of 1 to 4 components. */
export function repeated(number: string, size: number): string {
  return size === 1 ? number : `vec${size}f(${number})`
}

/** A distance that follows an index: `+ 2u`, `- 2u`. */
export function added(distance: number): string {
  return `${distance < 0 ? '-' : '+'} ${Math.abs(distance)}u`
}

/**
 * The first 1 to 4 channels of a packed weight. Without subgroups, it is read from where it lies; in a subgroup of as many
 * lanes, each lane has read some weights to registers `mine{i}` and hands them to the others.
 *
 * @param at its index in `packed`, in vec4s
 * @param role its number in the order in which lanes read weights
 */
export function packedWeight(at: string, role: number, subgroup: number, size: number): string {
  const channels = firstOf(size)
  return subgroup === 0
    ? `packed[${at}]${channels}`
    : `subgroupBroadcast(mine${Math.floor(role / subgroup)}${channels}, ${role % subgroup}u)`
}
