/**
 * How kernels are tried: a file in variants/ states it for the kernels of an op, shaders/log_sum_exp/ in
 * log-sum-exp.ts. Kernels with flags alone need none: every combination is compiled.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { KernelKey } from '../../src/gpu/pipeline-cache.js'

export type Flags = Readonly<Record<string, boolean>>
export type Parts = Omit<KernelKey, 'shader' | 'flags'>

/** What is tried of one kernel. */
export interface KernelVariants {
  /** Constants and unrolled bodies, for a kernel that has any: small ones, because lavapipe is slow at large ones. */
  readonly parts?: (flags: Flags) => readonly Parts[]
  /** Why no op sets these flags together; undefined if one may. Default: any may be set. */
  readonly impossible?: (flags: Flags) => string | undefined
}

/** What a file exports as `variants`: those of its kernels, by the name of the shader's file. */
export type Variants = Readonly<Record<string, KernelVariants>>

/**
 * The variants of these kernels, by their names.
 *
 * @throws Error if a file states variants of a kernel that is not there
 */
export async function variantsOf(kernels: readonly string[]): Promise<ReadonlyMap<string, KernelVariants>> {
  const found = new Map<string, KernelVariants>()
  for (const folder of new Set(kernels.map((name) => name.split('/')[0]!))) {
    const stem = folder.replaceAll('_', '-')
    if (!existsSync(join(import.meta.dirname, 'variants', `${stem}.ts`))) continue
    const { variants } = (await import(`./variants/${stem}.ts`)) as { variants: Variants }
    for (const [kernel, stated] of Object.entries(variants)) {
      if (!kernels.includes(`${folder}/${kernel}`))
        throw new Error(`variants/${stem}.ts: there is no shader ${folder}/${kernel}`)
      found.set(`${folder}/${kernel}`, stated)
    }
  }
  return found
}
