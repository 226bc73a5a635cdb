import type { Ratings } from '../data/ratings.ts'
import type { PackingMessage } from './packing-thread.ts'
import { type HostThread, type HostThreads, ThreadError } from './threads.ts'
import { type BlockRange, cutHeldBlocks, type TileShape } from './tile-grid.ts'
import type { Places } from './tile-places.ts'
import { type EntryPiece, type Placing, type TilePart, TileShare } from './tile-share.ts'
import { dealTiles, joinTiles, type PackedTiles, packTiles, partOf, type TileOptions } from './tiles.ts'

// Each thread, the caller's among them, owns some of the held blocks and with them their tiles: it counts, places and sorts
// the entries of these alone, in memory of its own that comes to the caller at the end without a copy. So threads agree on
// nothing, and the more there are, the less of the tables that an entry is looked up in is one thread's, down to its caches.
//
// Which blocks an entry belongs to only a look at it tells, so all threads see all entries, twice: piece after piece goes
// through a few slots of shared memory.

/** Entries for which threads are started: those take some hundredths of a second to be there. */
const leastEntries = 2e6

/** Slots that take turns, so that nobody waits for the slowest, and the entries in each. */
const ring = { slots: 3, entries: 2 ** 19 }

/** What each pass reads. */
const columns = { count: ['held', 'streamed'], place: ['held', 'streamed', 'ratings'] } as const

/** What a thread takes before it does anything. */
const threadBytes = 8 * 2 ** 20

/** Bytes that packing takes for its threads and that which draws meanwhile, beside the entries and the tables of tiles. */
export function threadsBytes(threads: HostThreads | undefined, entries: number): number {
  if (!areThreads(threads, entries)) return 0
  return 12 * ring.slots * ring.entries + threads.count * threadBytes
}

const areThreads = (threads: HostThreads | undefined, entries: number): threads is HostThreads =>
  threads !== undefined && threads.count > 1 && entries >= leastEntries

/** `packTiles` on the threads of the host where there are some that help, else on this one. */
export async function packEntries(
  threads: HostThreads | undefined,
  ratings: Ratings,
  shape: TileShape,
  options: TileOptions,
): Promise<PackedTiles> {
  if (areThreads(threads, ratings.length)) {
    try {
      return await packOnThreads(threads, ratings, shape, options)
    } catch (error) {
      if (!(error instanceof ThreadError)) throw error
    }
  }
  const layout = packTiles(ratings, shape, options)
  return { ...layout, parts: [layout] }
}

/**
 * `packTiles` on the threads of the host, in as many parts; byte for byte the same entries, whatever the number of threads.
 * @throws ThreadError where a thread fails
 */
export async function packOnThreads(
  threads: HostThreads,
  ratings: Ratings,
  shape: TileShape,
  options: TileOptions,
  pieceEntries: number = ring.entries,
): Promise<PackedTiles> {
  const [first, ...others] = cutHeldBlocks(shape, threads.count) as [BlockRange, ...BlockRange[]]
  const helpers: HostThread[] = []
  try {
    for (let at = 0; at < others.length; at++) helpers.push(threads.start())
    const dealt = dealTiles(ratings, shape, options)
    const share = new TileShare(dealt.placing, first)
    const slots = Array.from({ length: ring.slots }, () => sharedSlot(Math.min(pieceEntries, ratings.length)))
    const placing = sharedPlacing(dealt.placing)
    const ask = (messageOf: (helper: number) => PackingMessage) =>
      answersOf(helpers.map((helper, at) => helper.ask(messageOf(at))))
    const begun = ask(at => ({ step: 'begin', placing, blocks: others[at]!, slots }))
    const free = slots.map(() => begun)
    let piece = 0
    for (const step of ['count', 'place'] as const) {
      for (let entry = 0; entry < ratings.length; entry += pieceEntries, piece++) {
        const slot = piece % slots.length
        await free[slot]
        const length = Math.min(pieceEntries, ratings.length - entry)
        for (const column of columns[step]) {
          slots[slot]![column].set(dealt.entries[column].subarray(entry, entry + length))
        }
        free[slot] = ask(() => ({ step, slot, length }))
        share[step]({ ...slots[slot]!, length })
      }
    }
    const finished = ask(() => ({ step: 'finish' }))
    const own = share.finish()
    await Promise.all(free)
    const parts = [own, ...((await finished) as TilePart[])]
    return { ...joinTiles(dealt, parts), parts: parts.map(part => partOf(part, shape)) }
  } finally {
    for (const helper of helpers) helper.end()
  }
}

/** All of the answers; one that fails shows where they are waited for, if they are. */
function answersOf(asked: Promise<unknown>[]): Promise<unknown[]> {
  const answers = Promise.all(asked)
  answers.catch(() => {})
  return answers
}

function sharedSlot(entries: number): Omit<EntryPiece, 'length'> {
  const column = () => new Uint32Array(new SharedArrayBuffer(4 * entries))
  return { held: column(), streamed: column(), ratings: column() }
}

/** A copy in shared memory, of which a message has no copy. */
function sharedPlacing({ shape, bits, held, streamed }: Placing): Placing {
  return { shape, bits, held: sharedPlaces(held), streamed: sharedPlaces(streamed) }
}

function sharedPlaces(places: Places): Places {
  const { blockStart, slotStart, slots, ofRow, blockOf } = places
  return {
    ...places,
    blockStart: shared(blockStart),
    slotStart: shared(slotStart),
    slots: shared(slots),
    ofRow: shared(ofRow),
    blockOf: shared(blockOf),
  }
}

function shared<Words extends Uint16Array | Uint32Array>(words: Words): Words {
  const memory = new SharedArrayBuffer(words.byteLength)
  const copy = words instanceof Uint16Array ? new Uint16Array(memory) : new Uint32Array(memory)
  copy.set(words)
  return copy as Words
}
