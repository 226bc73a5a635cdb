/** Entries of the first block, for files of which there are many; each block is twice as large as the one before. */
const FIRST_BLOCK = 1 << 10

/** Entries a block at most: 20 MiB with times. */
const BLOCK = 1 << 20

/** Entries in coordinate form as they are read: blocks, so that growing copies nothing. */
export class Entries {
  #length = 0
  /** Position in the last block. */
  #next = 0
  #users: Uint32Array[] = []
  #items: Uint32Array[] = []
  #values: Float32Array[] = []
  #times: Float64Array[] = []
  #lastUsers = new Uint32Array(0)
  #lastItems = new Uint32Array(0)
  #lastValues = new Float32Array(0)
  #lastTimes = new Float64Array(0)
  readonly #withTimes: boolean

  constructor(withTimes: boolean) {
    this.#withTimes = withTimes
  }

  get length(): number {
    return this.#length
  }

  push(user: number, item: number, value: number, time: number): void {
    if (this.#next === this.#lastUsers.length) this.#addBlock()
    const at = this.#next++
    this.#lastUsers[at] = user
    this.#lastItems[at] = item
    this.#lastValues[at] = value
    if (this.#withTimes) this.#lastTimes[at] = time
    this.#length++
  }

  /** The columns; the entries must not be used afterwards. */
  take(): { users: Uint32Array; items: Uint32Array; values: Float32Array; times: Float64Array | undefined } {
    const length = this.#length
    return {
      users: joined(this.#users, new Uint32Array(length)),
      items: joined(this.#items, new Uint32Array(length)),
      values: joined(this.#values, new Float32Array(length)),
      times: this.#withTimes ? joined(this.#times, new Float64Array(length)) : undefined,
    }
  }

  #addBlock(): void {
    const size = Math.min(BLOCK, Math.max(FIRST_BLOCK, 2 * this.#next))
    this.#next = 0
    this.#lastUsers = new Uint32Array(size)
    this.#lastItems = new Uint32Array(size)
    this.#lastValues = new Float32Array(size)
    this.#users.push(this.#lastUsers)
    this.#items.push(this.#lastItems)
    this.#values.push(this.#lastValues)
    if (!this.#withTimes) return
    this.#lastTimes = new Float64Array(size)
    this.#times.push(this.#lastTimes)
  }
}

/** The blocks one after another, cut to the length of `whole`; each block is freed as soon as it is copied. */
function joined<Column extends Uint32Array | Float32Array | Float64Array>(blocks: Column[], whole: Column): Column {
  let at = 0
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    whole.set(block.subarray(0, whole.length - at), at)
    at += block.length
  }
  return whole
}
