/** Entries in coordinate form as they are read, in columns that grow. */
export class Entries {
  length = 0
  #users = new Uint32Array(1 << 14)
  #items = new Uint32Array(1 << 14)
  #values = new Float32Array(1 << 14)
  #times: Float64Array | undefined

  constructor(withTimes: boolean) {
    this.#times = withTimes ? new Float64Array(1 << 14) : undefined
  }

  push(user: number, item: number, value: number, time: number): void {
    if (this.length === this.#users.length) this.#grow()
    this.#users[this.length] = user
    this.#items[this.length] = item
    this.#values[this.length] = value
    if (this.#times !== undefined) this.#times[this.length] = time
    this.length++
  }

  /** The columns, cut to their length; the entries are empty afterwards. */
  take(): { users: Uint32Array; items: Uint32Array; values: Float32Array; times: Float64Array | undefined } {
    const { length } = this
    const users = this.#users.slice(0, length)
    this.#users = new Uint32Array(0)
    const items = this.#items.slice(0, length)
    this.#items = new Uint32Array(0)
    const values = this.#values.slice(0, length)
    this.#values = new Float32Array(0)
    const times = this.#times?.slice(0, length)
    this.#times = undefined
    this.length = 0
    return { users, items, values, times }
  }

  #grow(): void {
    const capacity = Math.ceil(this.length * 1.5)
    const users = new Uint32Array(capacity)
    users.set(this.#users)
    this.#users = users
    const items = new Uint32Array(capacity)
    items.set(this.#items)
    this.#items = items
    const values = new Float32Array(capacity)
    values.set(this.#values)
    this.#values = values
    if (this.#times === undefined) return
    const times = new Float64Array(capacity)
    times.set(this.#times)
    this.#times = times
  }
}
