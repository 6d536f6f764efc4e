/** Red, green, blue, 0..255. */
export type Colour = readonly [red: number, green: number, blue: number]

/**
 * Fixed colours of classes 0..13, found by a search among the 216 web colours: any two have a CIELAB distance of at
 * least 46 for normal sight and 19 for red-blind and green-blind sight (simulated as by Machado et al. 2009);
 * structures that touch in the brain have more. The names are those of the FreeSurfer table.
 */
const named = [
  '000000', // background
  '33ff66', // pallidum
  'ff9999', // amygdala
  '006666', // caudate
  'ffff33', // cerebral cortex
  '663399', // hippocampus
  'ffffcc', // thalamus
  'ff33ff', // putamen
  '0000ff', // cerebral white matter
  '33ffff', // cerebellum cortex
  'ff0033', // lateral ventricle
  'ff0099', // cerebellum white matter
  'ff9900', // brain-stem
  '9999cc', // other
].map(parseHex)

/**
 * The colour of a class, the same in every picture. From class 14 on, each hue is a golden angle from the previous one.
 */
export function classColour(c: number): Colour {
  return named[c] ?? hueColour(c * 137.508, c % 2 === 0 ? 0.72 : 0.45)
}

/** @param hex six digits */
export function parseHex(hex: string): Colour {
  const value = parseInt(hex, 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/** HSL with saturation 0.75, as in CSS Color 4. Hue in degrees, lightness 0..1. */
function hueColour(hue: number, lightness: number): Colour {
  const chroma = 0.75 * Math.min(lightness, 1 - lightness)
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12
    return Math.round(255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

export function toHex(colour: Colour): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}
