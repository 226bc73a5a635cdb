import { LimitExceededError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Load } from '../gpu/submitter.ts'
import { largestSteps, type PlacedWords, placeSteps, type StepWords, shareSlot, sumOf } from '../layout/step-slots.ts'
import { StretchWriter } from './stretch-writer.ts'

// Where a solver's entries lie on the GPU. An epoch is a sequence of steps (strata, blocks of rows, batches), each of which
// reads a stretch of one or several tables of the host. Where there is room for all of them, they are uploaded once, into as
// many slots as bindings take (*resident*). Where there is not, two slots take turns (*streamed*): each load fills one with
// as many of the next steps, in the order of the epoch, as fit, while the GPU works on the other. The queue keeps uploads
// and dispatches in order, so nobody waits for them, and every entry goes up once an epoch, whatever the order.
//
// A solver binds its kernels to each slot once. For an epoch it asks for the `place` of the steps in their order, tells its
// kernels where a step's words begin in the slot (in a uniform that is written for the epoch), encodes each step with the
// groups of its slot, and hands `loads` to the submitter. It does not see which of the two modes it is in.

/** What there is room for on the GPU. */
export interface Room {
  /** Bytes that entries may take; all they need where it is not given. */
  entryBytes?: number | undefined
}

/** The words that a step reads, by the names of the tables: stretches, one after another. */
export type StepTables<Name extends string> = Readonly<
  Record<Name, (step: number) => readonly Uint32Array<ArrayBuffer>[]>
>

/** How entries lie on the GPU, which has no bearing on what is computed. */
export interface Residency {
  /** Whether they go up anew in each epoch. */
  streamed: boolean
  slots: number
  /** Of all slots. */
  bytes: number
  /** Uploads of a slot in an epoch, by the order of the data. */
  loadsPerEpoch: number
}

/** Where the steps of an epoch lie. */
export interface StepPlaces<Name extends string> {
  /** The slot of each step. */
  slot: Uint32Array
  /** First word of each step in its slot. */
  start: Readonly<Record<Name, Uint32Array>>
  /** What fills the slots in the course of the epoch, by places in its order; none where all is there. */
  loads: readonly Load[]
}

/** Slots that take turns. */
const ringSlots = 2

/** Bytes of one of them at most: more would make submits long, and each load is copied on the host. */
const mostSlotBytes = 2 ** 27

export class EntryStore<Name extends string> {
  /** The buffers of each slot. */
  readonly slots: readonly Readonly<Record<Name, GPUBuffer>>[]
  readonly residency: Residency
  readonly #gpu: Gpu
  readonly #names: readonly Name[]
  readonly #words: StepWords
  /** Words of each table that the steps of a slot read together at most. */
  readonly #most: readonly number[]
  /** What is uploaded again and again, where slots take turns. */
  readonly #tables: StepTables<Name> | undefined
  /** Where all steps lie, where they do not. */
  readonly #resident: StepPlaces<Name> | undefined

  private constructor(gpu: Gpu, buffers: BufferOwner, tables: StepTables<Name>, cut: StoreCut) {
    const { words, ring, most, placed } = cut
    const names = Object.keys(tables) as Name[]
    const sizes = ring === undefined ? filledWords(placed, words) : Array.from({ length: ringSlots }, () => ring)
    this.#gpu = gpu
    this.#names = names
    this.#words = words
    this.#most = most
    this.slots = sizes.map(size => this.#named(table => buffers.storage(names[table]!, 4 * size[table]!)))
    this.residency = {
      streamed: ring !== undefined,
      slots: sizes.length,
      bytes: 4 * sizes.reduce((sum, size) => sum + sumOf(size), 0),
      loadsPerEpoch: ring === undefined ? 0 : placed.ends.length,
    }
    if (ring === undefined) this.#resident = { ...this.#places(placed), loads: [] }
    else this.#tables = tables
  }

  /**
   * @param steps how many there are
   * @param alone whether each step begins at the first word of a slot, and has it to itself
   * @throws LimitExceededError where a step does not fit a binding, or two slots of the largest one the room;
   *   OutOfMemoryError
   */
  static async create<Name extends string>(
    gpu: Gpu,
    buffers: BufferOwner,
    steps: number,
    tables: StepTables<Name>,
    { entryBytes = Number.POSITIVE_INFINITY, alone = false }: Room & { alone?: boolean } = {},
  ): Promise<EntryStore<Name>> {
    const words = (Object.keys(tables) as Name[]).map(name =>
      Uint32Array.from({ length: steps }, (_, step) => sumOf(tables[name](step).map(({ length }) => length))),
    )
    const mostWords = Math.floor(buffers.mostBytes.bytes / 4)
    const streamed = 4 * words.reduce((sum, own) => sum + sumOf(own), 0) > entryBytes
    const ring = streamed ? ringSlot(words, entryBytes, mostWords, alone) : undefined
    const most = words.map((_, table) => (alone ? 0 : (ring?.[table] ?? mostWords)))
    const inOrder = Uint32Array.from({ length: steps }, (_, step) => step)
    const placed = placeSteps(inOrder, words, most)
    const store = new EntryStore(gpu, buffers, tables, { words, ring, most, placed })
    // A buffer that there was no memory for is not to be written.
    await gpu.settle(buffers)
    const places = store.#resident
    if (places !== undefined) for (const { write } of store.#loads(tables, inOrder, placed, places)) write()
    return store
  }

  /** Where the steps lie in an epoch that goes through them in this order: each of them once. */
  place(order: Uint32Array): StepPlaces<Name> {
    const tables = this.#tables
    if (tables === undefined) return this.#resident!
    const placed = placeSteps(order, this.#words, this.#most)
    const places = this.#places(placed)
    return { ...places, loads: this.#loads(tables, order, placed, places) }
  }

  /** What fills a slot with each run of steps. */
  #loads(
    tables: StepTables<Name>,
    order: Uint32Array,
    { ends }: PlacedWords,
    { slot }: Pick<StepPlaces<Name>, 'slot'>,
  ): Load[] {
    return ends.map((end, run) => ({
      end,
      write: () => {
        const first = run === 0 ? 0 : ends[run - 1]!
        const target = this.slots[slot[order[first]!]!]!
        for (const name of this.#names) {
          const writer = new StretchWriter(this.#gpu, target[name])
          for (let place = first; place < end; place++) {
            for (const words of tables[name](order[place]!)) writer.add(words)
          }
          writer.flush()
        }
      },
    }))
  }

  #places({ runOf, start }: PlacedWords): Omit<StepPlaces<Name>, 'loads'> {
    const turns = this.#tables !== undefined
    return {
      slot: turns ? runOf.map(run => run % ringSlots) : runOf,
      start: this.#named(table => start[table]!),
    }
  }

  #named<T>(of: (table: number) => T): Record<Name, T> {
    return Object.fromEntries(this.#names.map((name, table) => [name, of(table)])) as Record<Name, T>
  }
}

/** How steps are cut into slots. */
interface StoreCut {
  words: StepWords
  /** Words of each table in a slot of those that take turns; undefined where all are resident. */
  ring: readonly number[] | undefined
  most: readonly number[]
  /** The steps in their order. */
  placed: PlacedWords
}

/** Words of each table in a slot of those that take turns. */
function ringSlot(words: StepWords, entryBytes: number, mostWords: number, alone: boolean): number[] {
  const largest = largestSteps(words)
  const least = sumOf(largest)
  const share = Math.floor(entryBytes / ringSlots / 4)
  if (share < least) {
    throw new LimitExceededError(
      'two slots for the entries of the largest step',
      'memory',
      ringSlots * 4 * least,
      entryBytes,
    )
  }
  const room = alone ? least : Math.max(least, Math.min(share, mostSlotBytes / 4))
  return shareSlot(words, room).map((count, table) => Math.max(largest[table]!, Math.min(count, mostWords)))
}

/** Words of each table that each run has. */
function filledWords({ runOf, start, ends }: PlacedWords, words: StepWords): number[][] {
  const filled = ends.map(() => words.map(() => 0))
  for (let step = 0; step < runOf.length; step++) {
    const own = filled[runOf[step]!]!
    for (let table = 0; table < words.length; table++) {
      own[table] = Math.max(own[table]!, start[table]![step]! + words[table]![step]!)
    }
  }
  return filled
}
