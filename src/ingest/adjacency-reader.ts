import { idProblem } from './bad-rows.ts'
import { BlankReader } from './blank-reader.ts'
import type { IdReader } from './entry-reader.ts'
import type { Fields } from './fields.ts'
import { IdColumn } from './id-column.ts'

/** A line is a user and its items; every value is 1. A user without items is a user without entries. */
export class AdjacencyReader extends BlankReader implements IdReader {
  readonly layout = 'lines of a user and its items'
  readonly users = new IdColumn()
  readonly items = new IdColumn()
  /** Dense index of each field's id, or -1 for one that is new. */
  #indices = new Int32Array(64)

  protected row({ bytes, starts, ends, count }: Fields): string | undefined {
    if (count > this.#indices.length) this.#indices = new Int32Array(2 * count)
    const indices = this.#indices
    for (let field = 0; field < count; field++) {
      const column = field === 0 ? this.users : this.items
      indices[field] = column.find(bytes, starts[field]!, ends[field]!)
      if (indices[field]! >= 0) continue
      const id = bytes.subarray(starts[field], ends[field])
      const problem = idProblem(field === 0 ? 'user' : 'item', id, this.settings.ids)
      if (problem !== undefined) return problem
    }
    const user = this.#numbered(this.users, bytes, starts[0]!, ends[0]!, indices[0]!)
    for (let field = 1; field < count; field++) {
      const item = this.#numbered(this.items, bytes, starts[field]!, ends[field]!, indices[field]!)
      this.entries.push(user, item, 1, 0)
    }
    return undefined
  }

  #numbered(column: IdColumn, bytes: Uint8Array, from: number, to: number, found: number): number {
    if (found >= 0) return found
    // An id that is new may stand twice in its line.
    const again = column.find(bytes, from, to)
    return again >= 0 ? again : column.add(bytes.subarray(from, to), this.line)
  }
}
