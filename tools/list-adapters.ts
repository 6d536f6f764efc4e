/** Prints the adapters of this machine, one name per line, in the form that SAE_ADAPTER takes. */
import { findAdapters } from '../src/node/adapters.js'

const found = await findAdapters(true)
console.log(found.map(({ kind, name }) => (kind === 'hardware' ? name : kind)).join('\n'))
process.exit(0) // Dawn would keep Node waiting
