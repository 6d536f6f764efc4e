// npm run docs:commands: writes docs/commands/, a page for every command of sae, and for sae-bids.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { app } from '../../src/cli/bids-app/program.js'
import { program } from '../../src/cli/program.js'
import { commandPages } from './command-pages.js'

const folder = fileURLToPath(new URL('../../docs/commands/', import.meta.url))
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const [name, text] of await commandPages(program, [app])) writeFileSync(folder + name, text)
