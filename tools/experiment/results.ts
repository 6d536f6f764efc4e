import { existsSync, readFileSync } from 'node:fs'
import { UserError } from '../../src/errors.js'
import { writeFileAtomic } from '../../src/io/files.js'
import type { LogEntry } from './learn.js'

/** One method with one prior and one seed on one cohort. */
export interface Cell {
  readonly cohort: string
  /** Undefined for a method that uses none. */
  readonly prior?: string
  readonly method: string
  readonly seed: number
  /** Digest of the scans, truths, prior, settings and seed: if it has changed, the cell runs again. */
  readonly digest: string
  /** Time of completion, ISO 8601. */
  readonly finished: string
  /** The commit that was checked out then. */
  readonly commit: string
  readonly seconds: number
  /** Empty if it failed. */
  readonly subjects: readonly SubjectScore[]
  /** Why there is no result, for example because training diverged. */
  readonly failure?: string
  /** Scores during training, if the method asks for them. */
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
    // Reported below.
  }
  throw new UserError(`${path}: holds no results of a study; move it away to start over`)
}

/** Writes results atomically, with a line for each cell. @throws UserError if the file cannot be written */
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

/** Identifies a cell. */
export type CellPlace = Pick<Cell, 'cohort' | 'prior' | 'method' | 'seed'>
