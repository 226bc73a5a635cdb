import { IdTable } from '../data/ids.ts'
import { InputError } from '../errors.ts'
import { integerKind } from './fields.ts'
import type { IdColumn } from './id-column.ts'
import { unsafeInteger } from './options.ts'
import { strictDecoder, type TextEncoding } from './text.ts'

/** Where an error about an id points to: the line in which the id stands first. */
export type PlaceOf = (line: number) => Promise<{ file: string; line: number; text: string }>

/**
 * The ids of both columns as strings, in UTF-8 or, under `auto` and where that does not fit, in latin-1.
 * @throws InputError for an id that is not valid UTF-8 where only that is allowed.
 */
export async function decodeIds(
  columns: readonly IdColumn[],
  encoding: TextEncoding | 'auto',
  placeOf: PlaceOf,
): Promise<{ lists: string[][]; encoding: TextEncoding }> {
  if (encoding === 'latin-1') return { lists: columns.map(column => decodeColumn(column, 'latin-1')), encoding }
  try {
    return { lists: columns.map(column => decodeColumn(column, 'utf-8')), encoding: 'utf-8' }
  } catch (error) {
    if (!(error instanceof InvalidBytes)) throw error
    if (encoding === 'auto') return decodeIds(columns, 'latin-1', placeOf)
    const problem = "the line is not valid UTF-8; encoding: 'latin-1' reads it as latin-1"
    throw new InputError(problem, await placeOf(error.line), { cause: error })
  }
}

class InvalidBytes extends Error {
  constructor(
    readonly line: number,
    options: ErrorOptions,
  ) {
    super('bytes that are no UTF-8', options)
  }
}

function decodeColumn(column: IdColumn, encoding: TextEncoding): string[] {
  const decoder = strictDecoder(encoding)
  const ids: string[] = []
  for (let index = 0; index < column.size; index++) {
    try {
      ids.push(decoder.decode(column.bytesAt(index)))
    } catch (cause) {
      throw new InvalidBytes(column.lineOf(index), { cause })
    }
  }
  return ids
}

/**
 * The id table of a column: integers where all of them are, otherwise strings.
 * @throws InputError where all of them are, but one is beyond 2^53 - 1.
 */
export async function idTable(
  role: string,
  ids: string[],
  wanted: 'auto' | 'integer' | 'string',
  placeOf: (index: number) => Promise<{ file: string; line: number; text: string }>,
): Promise<IdTable> {
  if (wanted === 'string') return new IdTable(ids)
  let unsafe = -1
  for (let index = 0; index < ids.length; index++) {
    const kind = integerKind(ids[index]!)
    if (kind === 'none') return new IdTable(ids)
    if (kind === 'unsafe' && unsafe < 0) unsafe = index
  }
  if (unsafe >= 0) throw new InputError(unsafeInteger(role, ids[unsafe]!), await placeOf(unsafe))
  return new IdTable(Float64Array.from(ids, Number))
}
