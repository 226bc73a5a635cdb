import { type IdTable, UNKNOWN } from '../data/ids.ts'
import { InputError } from '../errors.ts'
import { decodeLoosely, shownLine } from '../ingest/text.ts'
import { openSource } from '../node/ingest/source.ts'
import { linesOf } from './lines.ts'

/** An id and the line where it stands, counted from 1. */
export interface IdLine {
  id: string
  line: number
}

/**
 * Reads a text file (plain or compressed) of one id a line; blanks around ids and empty lines do not matter.
 * @throws InputError with file, line and text
 */
export async function readIds(file: string): Promise<IdLine[]> {
  const source = await openSource(file)
  if (source.kind === 'parquet' || source.kind === 'packed') {
    const what = source.kind === 'parquet' ? 'Parquet' : 'packed ratings'
    throw new InputError(`the file is ${what}; expected text with an id in each line`, { file })
  }
  const ids: IdLine[] = []
  for await (const { line, row } of linesOf(source)) {
    if (row.indexOf(0) >= 0) throw new InputError('the id holds a zero byte', { file, line, text: shownLine(row) })
    const id = decodeLoosely(row).trim()
    if (id !== '') ids.push({ id, line })
  }
  if (ids.length === 0) throw new InputError('the file holds no ids; expected one in each line', { file })
  return ids
}

/**
 * The ids of a file, all of which a table must know.
 * @throws InputError with file, line and text
 */
export async function readKnownIds(file: string, role: 'user' | 'item', table: IdTable): Promise<string[]> {
  const ids = await readIds(file)
  const unknown = ids.find(({ id }) => table.indexOf(id) === UNKNOWN)
  if (unknown === undefined) return ids.map(({ id }) => id)
  throw new InputError(`the model does not know the ${role}`, { file, line: unknown.line, text: unknown.id })
}
