/** npm run new:op NAME: writes the files of an op that squares its input and passes its tests, to be adapted. */
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { exportLine, filesOf } from './files.js'

const root = join(import.meta.dirname, '../..')
const [name] = process.argv.slice(2)
try {
  if (!name) throw new Error('npm run new:op NAME, in kebab case, such as log-sum-exp')
  const files = filesOf(name)
  const taken = [...files.keys()].find((path) => existsSync(join(root, path)))
  if (taken) throw new Error(`${taken} already exists`)
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(path)
  }
  appendFileSync(join(root, 'src/ops/index.ts'), exportLine(name))
  console.log(
    `src/ops/index.ts (one line)\n\nnpm run dev -- test/ops/${name}.test.ts test/reference/references.test.ts`,
  )
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
