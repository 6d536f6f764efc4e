import { expect, it } from 'vitest'
import { formats } from './formats.js'
import { runCases } from './run-cases.js'

/** `npm run test:fuzz` does many more, each format in a process of its own that is watched. */
it.each(Object.keys(formats))(
  'damaged and hostile files of format %s are read or refused',
  async (format) => {
    const { accepted, refused, failures } = await runCases(format, { cases: 300, seed: 1 })
    expect(failures).toEqual([])
    expect(accepted).toBeGreaterThan(10)
    expect(refused).toBeGreaterThan(50)
  },
)
