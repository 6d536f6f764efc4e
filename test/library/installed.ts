import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder of somebody's program, with the packed package in its `node_modules`. */
export interface Installed {
  readonly folder: string
  /** Copies files of the repository there. @returns where they lie */
  readonly copy: (path: string) => string
  readonly remove: () => void
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/**
 * Installs the package as npm would, from its tarball, but without a network: dependencies are links to those of the
 * repository. What the package imports without declaring it is not found.
 *
 * @param beside packages that the program has besides, linked too where the repository has them
 * @param omitOptional leave optional dependencies out, as `npm install --omit=optional` does
 */
export function install(beside: readonly string[] = [], { omitOptional = false } = {}): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'sae-webgpu-installed-'))
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'sae-webgpu'), { recursive: true })
  execFileSync('tar', [
    '-xzf',
    join(folder, filename),
    '-C',
    join(modules, 'sae-webgpu'),
    '--strip-components=1',
  ])
  rmSync(join(folder, filename))
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Manifest
  const needed = omitOptional ? dependencies : { ...dependencies, ...optionalDependencies }
  for (const name of [...Object.keys(needed), ...beside]) {
    const target = join(root, 'node_modules', name)
    if (!existsSync(target)) continue
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(realpathSync(target), join(modules, name), 'junction')
  }
  return {
    folder,
    copy: (path) => {
      const target = join(folder, path)
      cpSync(join(root, path), target, { recursive: true })
      return target
    },
    remove: () => {
      rmSync(folder, { recursive: true })
    },
  }
}

/** Runs a program with Node, which must succeed. @returns what it printed */
export function runNode(cwd: string, file: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...args], { cwd }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`))
      else resolve(stdout)
    })
  })
}
