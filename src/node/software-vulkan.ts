import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { parseTar } from 'nanotar'
import { cacheFolder } from './cache-folder.js'

/** Paths of a SwiftShader that needs no installation: its ICD file and a Vulkan loader. */
interface BundledSwiftShader {
  readonly icd: string
  readonly loader: string
}

/**
 * Unpacks the SwiftShader of the npm package `@sparticuz/chromium` into a cache folder, unless it is there already.
 *
 * @returns undefined if the package is not installed or this platform cannot run it
 */
export function unpackSwiftShader(): BundledSwiftShader | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const require = createRequire(import.meta.url)
  let root: string
  try {
    root = findPackageRoot(require.resolve('@sparticuz/chromium'))
  } catch {
    return undefined
  }
  const archive = join(root, 'bin', 'swiftshader.tar.br')
  if (!existsSync(archive)) return undefined
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

  const cache = cacheFolder()
  const folder = join(cache, `swiftshader-${version}`)
  const found = { icd: join(folder, 'vk_swiftshader_icd.json'), loader: join(folder, 'libvulkan.so.1') }
  if (existsSync(found.icd)) return found

  // Unpack next to the final folder and rename, so that a process starting at the same time never sees half of it.
  const partial = mkdtempSync(join(cache, 'unpacking-'))
  for (const file of parseTar(brotliDecompressSync(readFileSync(archive)))) {
    if (file.data && /^(libvulkan|libvk_swiftshader|vk_swiftshader_icd)[\w.]*$/.test(file.name)) {
      writeFileSync(join(partial, file.name), file.data, { mode: 0o755 })
    }
  }
  try {
    renameSync(partial, folder)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    if (!existsSync(found.icd)) throw error
  }
  return found
}

/**
 * Makes the bundled SwiftShader visible to the Vulkan loader, in addition to the system's drivers or, with `instead`,
 * in their place. Loads the bundled Vulkan loader if the system has none.
 */
export function offerSwiftShader(bundled: BundledSwiftShader, instead = false): void {
  if (instead) {
    process.env.VK_DRIVER_FILES = bundled.icd
    process.env.VK_ICD_FILENAMES = bundled.icd
  } else {
    process.env.VK_ADD_DRIVER_FILES = bundled.icd
  }
  if (!canLoad('libvulkan.so.1')) canLoad(bundled.loader)
}

/**
 * Loads a shared library and leaves it resident, so that a later dlopen by Dawn finds it by name.
 *
 * `process.dlopen` expects a Node addon and throws because the library did not register itself; by then it is loaded,
 * and RTLD_NODELETE (0x1000) keeps it loaded.
 */
function canLoad(library: string): boolean {
  const RTLD_NOW = 2
  const RTLD_GLOBAL = 0x100
  const RTLD_NODELETE = 0x1000
  try {
    process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
    return true
  } catch (error) {
    return error instanceof Error && error.message.includes('did not self-register')
  }
}

function findPackageRoot(file: string): string {
  let folder = dirname(file)
  while (!existsSync(join(folder, 'bin', 'swiftshader.tar.br'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('not found')
    folder = parent
  }
  return folder
}
