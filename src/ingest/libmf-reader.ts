import { idProblem, ratingProblem } from './bad-rows.ts'
import { BlankReader } from './blank-reader.ts'
import type { IdReader } from './entry-reader.ts'
import { type Fields, parseNumberBytes } from './fields.ts'
import { IdColumn } from './id-column.ts'

const MINUS = 0x2d

/** LIBMF's text: a line is a user, an item and a value; users and items are integers from 0, which become ids. */
export class LibmfReader extends BlankReader implements IdReader {
  readonly layout = 'lines of user, item and value in LIBMF text'
  readonly users = new IdColumn()
  readonly items = new IdColumn()

  protected row({ bytes, starts, ends, count }: Fields): string | undefined {
    if (count !== 3) return `expected user, item and value separated by blanks, found ${count} fields`
    const value = parseNumberBytes(bytes, starts[2]!, ends[2]!)
    if (!Number.isFinite(Math.fround(value))) return ratingProblem(value, bytes.subarray(starts[2], ends[2]))
    let user = this.users.find(bytes, starts[0]!, ends[0]!)
    let item = this.items.find(bytes, starts[1]!, ends[1]!)
    if (user < 0 || item < 0) {
      const userId = bytes.subarray(starts[0], ends[0])
      const itemId = bytes.subarray(starts[1], ends[1])
      const problem = indexProblem('user', userId) ?? indexProblem('item', itemId)
      if (problem !== undefined) return problem
      if (user < 0) user = this.users.add(userId, this.line)
      if (item < 0) item = this.items.add(itemId, this.line)
    }
    this.entries.push(user, item, value, 0)
    return undefined
  }
}

/** What is wrong with the bytes of an id that must be an integer from 0, if anything. */
export function indexProblem(role: string, bytes: Uint8Array): string | undefined {
  const problem = idProblem(role, bytes, 'integer')
  return problem === undefined && bytes[0] === MINUS ? `expected an integer from 0 as ${role}` : problem
}
