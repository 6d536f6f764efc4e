import { existsSync, readFileSync } from 'node:fs'
import { UserError } from '../../src/errors.js'
import { writeFileAtomic } from '../../src/io/files.js'
import type { LogEntry } from './learn.js'

/** One method with one prior and one seed on one cohort. */
export interface Cell {
  readonly cohort: string
  /** Undefined for a method that looks at none. */
  readonly prior?: string
  readonly method: string
  readonly seed: number
  /** Of the scans, truths, prior, settings and seed: a cell with another digest is run again. */
  readonly digest: string
  /** When it was done, ISO 8601. */
  readonly finished: string
  /** The commit that was checked out then. */
  readonly commit: string
  readonly seconds: number
  /** None if it failed. */
  readonly subjects: readonly SubjectScore[]
  /** Why there is no result: training that diverged, say. */
  readonly failure?: string
  /** Scores on the way, if the method asks for them. */
  readonly log?: readonly LogEntry[]
}

interface SubjectScore {
  readonly name: string
  /** Dice of every class, background included. */
  readonly dice: readonly number[]
}

/** The results of a study, as its JSON file holds them. */
export interface Results {
  readonly study: string
  /** Abbreviations, in the order of Dice. */
  readonly classes: readonly string[]
  /** The classes that count in a mean. */
  readonly foreground: readonly number[]
  /** Voxels of a scan, by cohort. */
  readonly voxels: Readonly<Record<string, number>>
  readonly machine: Readonly<Record<string, unknown>>
  readonly cells: readonly Cell[]
}

/** Reads results; undefined if there are none yet. @throws UserError if the file is not of this kind */
export function readResults(path: string): Results | undefined {
  if (!existsSync(path)) return undefined
  try {
    const results = JSON.parse(readFileSync(path, 'utf8')) as Results
    if (Array.isArray(results.cells)) return results
  } catch {
    // Said below, with what to do.
  }
  throw new UserError(`${path}: holds no results of a study; move it away to begin anew`)
}

/** Writes results, a line for each cell and never half of the file. @throws UserError if the disk refuses */
export async function writeResults(path: string, results: Results): Promise<void> {
  const { cells, ...head } = results
  const lines = cells.map((cell) => `  ${JSON.stringify(cell, sixDigits)}`)
  const text = `${JSON.stringify(head, undefined, 1).replace(/\n\}$/, '')},\n "cells": [\n${lines.join(',\n')}\n ]\n}\n`
  await writeFileAtomic(path, new TextEncoder().encode(text))
}

/** Keeps files small: more digits would be meaningless. */
function sixDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
}

/** `fold-1, atlas, sae, seed 2` */
export function describeCell({ cohort, prior, method, seed }: CellPlace): string {
  return [cohort, ...(prior === undefined ? [] : [prior]), method, `seed ${seed}`].join(', ')
}

/** What names a cell. */
export type CellPlace = Pick<Cell, 'cohort' | 'prior' | 'method' | 'seed'>
