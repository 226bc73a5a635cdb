import type { Ratings } from '../data/ratings.ts'
import { type EntryPiece, type PackingPass, type Placing, routedEntries } from './entry-router.ts'
import type { PackingMessage } from './packing-thread.ts'
import { type HostThread, type HostThreads, ThreadError, threadBytes } from './threads.ts'
import { cutHeldBlocks, type TileShape } from './tile-grid.ts'
import { type PackingSlot, TilePacker, type TilePart } from './tile-packer.ts'
import type { Places } from './tile-places.ts'
import { dealTiles, joinTiles, type PackedTiles, packTiles, partOf, type TileOptions } from './tiles.ts'

// Each thread, the caller's among them, owns some of the held blocks and with them their tiles: it counts, places and sorts
// the entries of these alone, in memory of its own that comes to the caller at the end without a copy.
//
// Which blocks an entry belongs to only a look at it tells. So threads take turns with pieces of the entries, round after
// round through a few slots of shared memory: each finds the tiles of a piece and deals its entries to their owners; then
// each takes from all pieces what is its own. No thread waits for a round, since it has the next one to route meanwhile.

/** Entries for which threads are started: those take some hundredths of a second to be there. */
const leastEntries = 2e6

/** Rounds that take turns: one that is routed, one that is taken, one that is filled. */
const rounds = 3

/** Threads from which on the caller's has enough to do with handing out pieces, and finds no tiles. */
const manyThreads = 4

/** Entries of a thread's piece in a round, and bytes of each: as it came, and routed. */
const piece = { entries: 2 ** 16, bytes: 24 } as const

/** What each pass reads. */
const columns = { count: ['held', 'streamed'], place: ['held', 'streamed', 'ratings'] } as const

/** Bytes that packing takes for its threads, beside the entries and the tables of tiles. */
export function threadsBytes(threads: HostThreads | undefined, entries: number): number {
  if (!areThreads(threads, entries)) return 0
  return threads.count * (rounds * piece.entries * piece.bytes + threadBytes)
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
  pieceEntries: number = piece.entries,
): Promise<PackedTiles> {
  const ranges = cutHeldBlocks(shape, threads.count)
  const helpers: HostThread[] = []
  try {
    while (helpers.length + 1 < ranges.length) helpers.push(threads.start())
    const dealt = dealTiles(ratings, shape, options)
    const routing = ranges.length < manyThreads ? ranges : ranges.slice(1)
    const slots = Array.from({ length: rounds }, () => routing.map(() => sharedSlot(pieceEntries, ranges.length)))
    const input = { placing: sharedPlacing(dealt.placing), ranges, rounds: slots }
    const ask = (messageOf: (packer: number) => PackingMessage) =>
      answersOf(helpers.map((helper, at) => helper.ask(messageOf(at + 1))))
    await ask(own => ({ step: 'begin', input: { ...input, own } }))
    const packer = new TilePacker({ ...input, placing: dealt.placing, own: 0 })
    const taken: Promise<unknown>[] = []
    const take = async (pass: PackingPass, round: number, routed: Promise<unknown>) => {
      await routed
      taken[round] = ask(() => ({ step: 'take', pass, round }))
      packer.take(pass, round)
    }
    let count = 0
    for (const pass of ['count', 'place'] as const) {
      let before: (() => Promise<void>) | undefined
      for (let first = 0; first < ratings.length; first += pieceEntries * routing.length, count++) {
        const round = count % rounds
        await taken[round]
        const lengths = fill(slots[round]!, dealt.entries, pass, first)
        const routed = ask(() => ({ step: 'route', pass, round, lengths }))
        packer.route(pass, round, lengths)
        await before?.()
        before = () => take(pass, round, routed)
      }
      await before?.()
    }
    const finished = ask(() => ({ step: 'finish' }))
    const own = packer.finish()
    await Promise.all(taken)
    const parts = [own, ...((await finished) as TilePart[])]
    return { ...joinTiles(dealt, parts), parts: parts.map(part => partOf(part, shape)) }
  } finally {
    for (const helper of helpers) helper.end()
  }
}

/** Puts the entries from `first` on into the slots of a round, as many as fit; tells how many each has. */
function fill(round: readonly PackingSlot[], entries: EntryPiece, pass: PackingPass, first: number): number[] {
  return round.map(({ piece }, at) => {
    const size = piece.held.length
    const from = Math.min(first + at * size, entries.length)
    const to = Math.min(from + size, entries.length)
    for (const column of columns[pass]) piece[column].set(entries[column].subarray(from, to))
    return to - from
  })
}

/** All of the answers; one that fails shows where they are waited for, if they are. */
function answersOf(asked: Promise<unknown>[]): Promise<unknown[]> {
  const answers = Promise.all(asked)
  answers.catch(() => {})
  return answers
}

function sharedSlot(entries: number, ranges: number): PackingSlot {
  const words = (length: number) => new Uint32Array(new SharedArrayBuffer(4 * length))
  return {
    piece: { held: words(entries), streamed: words(entries), ratings: words(entries) },
    routed: routedEntries(entries, ranges, words),
  }
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
