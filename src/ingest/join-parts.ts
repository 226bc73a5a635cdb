import { IdNumbers } from '../data/id-numbers.ts'
import { IdTable } from '../data/ids.ts'
import { Ratings } from '../data/ratings.ts'
import { InputError } from '../errors.ts'
import { Entries } from './entries.ts'
import type { ReadResult } from './report.ts'

/** Numbers the ids of several files together; they are text where those of one file are. */
class JoinedIds {
  #kind: IdTable['kind'] = 'integer'
  #numbers = new IdNumbers()

  /** The number, over all files, of each id of one. */
  add({ kind, size, values }: IdTable): Uint32Array {
    if (kind === 'string' && this.#kind === 'integer') {
      const numbers = new IdNumbers()
      for (const id of this.#numbers.keys()) numbers.add(String(id))
      this.#numbers = numbers
      this.#kind = 'string'
    }
    const joined = new Uint32Array(size)
    const text = this.#kind === 'string'
    for (let at = 0; at < size; at++) joined[at] = this.#numbers.of(text ? String(values[at]!) : values[at]!)
    return joined
  }

  table(): IdTable {
    if (this.#kind === 'string') return new IdTable(Array.from(this.#numbers.keys() as Iterable<string>))
    const ids = new Float64Array(this.#numbers.size)
    let at = 0
    for (const id of this.#numbers.keys()) ids[at++] = Number(id)
    return new IdTable(ids)
  }
}

/** Puts the ratings of several files behind one another, as if they had been read from one. */
export class PartJoiner {
  readonly #users = new JoinedIds()
  readonly #items = new JoinedIds()
  #entries: Entries | undefined
  #times: 'times' | 'no times' = 'no times'
  #skipped = 0
  #firstSkipped: InputError | undefined
  #layout = ''
  #first = ''

  /** @throws InputError where a part is laid out in another way than the first one, and names it. */
  add(file: string, { ratings, skipped, firstSkipped, layout }: ReadResult): void {
    if (this.#first === '') {
      this.#first = file
      this.#layout = layout
    } else if (layout !== this.#layout) {
      throw new InputError(`the part holds ${layout}, but ${this.#first} holds ${this.#layout}`, { file })
    }
    this.#skipped += skipped
    this.#firstSkipped ??= firstSkipped
    const { users, items, values, times, length } = ratings
    if (length === 0) return
    if (this.#entries === undefined) {
      this.#times = times === undefined ? 'no times' : 'times'
      this.#entries = new Entries(times !== undefined)
    }
    if ((this.#times === 'times') !== (times !== undefined)) {
      throw new InputError(`expected ${this.#times} in the part, as in ${this.#first}`, { file })
    }
    const userOf = this.#users.add(ratings.userIds)
    const itemOf = this.#items.add(ratings.itemIds)
    for (let e = 0; e < length; e++) {
      this.#entries.push(userOf[users[e]!]!, itemOf[items[e]!]!, values[e]!, times === undefined ? 0 : times[e]!)
    }
  }

  /** @param name what stands for the files together @throws InputError where none holds a rating. */
  finish(name: string): ReadResult {
    if (this.#entries === undefined) throw new InputError('no part holds a rating', { file: name })
    const columns = { ...this.#entries.take(), userIds: this.#users.table(), itemIds: this.#items.table() }
    return {
      ratings: new Ratings(columns),
      skipped: this.#skipped,
      firstSkipped: this.#firstSkipped,
      layout: this.#layout,
    }
  }
}
