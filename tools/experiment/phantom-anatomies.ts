import { UserError } from '../../src/errors.js'
import { makePhantom, phantomTable, type PhantomSubject } from '../../src/sae/phantom/phantom.js'
import type { Anatomies, Subject } from './anatomies.js'
import type { PhantomSource, SubjectDescription } from './study.js'

/** Largest extent of a phantom's head, in millimetres. */
const headSize = 180

/** Phantoms, each with its own scan. */
export class PhantomAnatomies implements Anatomies {
  readonly table = phantomTable
  readonly contrasts = []
  readonly shape: PhantomSource['shape']
  readonly spacing: number
  private readonly names: readonly string[]
  private readonly phantoms: readonly PhantomSubject[]

  /** @throws UserError if the shape, the count or the noise is out of range */
  constructor({ shape, count, seed, variability = 1, noise = 0.04 }: PhantomSource) {
    this.shape = shape
    this.spacing = headSize / Math.max(...shape)
    this.names = Array.from({ length: count }, (_, i) => `phantom-${i + 1}`)
    this.phantoms = makePhantom({ shape, subjects: count, seed, variability, noise }).subjects
  }

  async labels(name: string): Promise<Uint8Array> {
    return (await this.subject(name)).truth
  }

  subject(name: SubjectDescription): Promise<Subject> {
    return new Promise((resolve) => {
      resolve(this.find(name))
    })
  }

  private find(name: SubjectDescription): Subject {
    const found = typeof name === 'string' ? this.phantoms[this.names.indexOf(name)] : undefined
    if (typeof name !== 'string' || !found)
      throw new UserError(`${JSON.stringify(name)}: no such phantom; they are ${this.names.join(', ')}`)
    return { name, data: found.scan, truth: found.labels }
  }

  /** @throws UserError if there are fewer anatomies than scans, because a phantom has only one */
  training(names: readonly string[], count: number): Promise<Subject[]> {
    if (count > names.length)
      throw new UserError(`${count} training scans of ${names.length} phantoms; a phantom has one scan`)
    return Promise.all(names.slice(0, count).map((name) => this.subject(name)))
  }
}
