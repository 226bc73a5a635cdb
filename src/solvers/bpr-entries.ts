import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'
import type { Positives } from '../layout/positives.ts'
import { cutEntries, type EntrySpan } from './bpr-rows.ts'
import { EntryStore, type Residency, type Room, type StepPlaces } from './entry-store.ts'

/** The entries from both sides, cut by rows so that each span takes a buffer. */
export interface EntrySpans {
  users: readonly EntrySpan[]
  items: readonly EntrySpan[]
}

/** A step of a round: draws that look at entries of some users and, in the items' phase, of some items. */
export interface EntryStep {
  /** Spans by number. */
  users: number
  items?: number | undefined
}

/** Spans that entries are cut into at most, but for heavy rows, where they are streamed: the least room follows. */
const mostSpans = 8

/** Of the room for streamed entries, what is left to what each span takes beside them. */
const reserve = 1 / 8

/** Bytes that a step reads at most where there is least room, from the entries of the heaviest rows. */
export function leastStepBytes(entries: number, heaviest: { users: number; items: number }): number {
  const words = (most: number) => Math.max(4, most, Math.ceil(entries / mostSpans))
  return Math.ceil((4 * (words(heaviest.users) + words(heaviest.items))) / (1 - reserve)) + 16
}

/** Whether there is no room for the entries from both sides. */
export const isStreamed = (entries: number, { entryBytes = Number.POSITIVE_INFINITY }: Room): boolean =>
  8 * entries > entryBytes

/** @param mostEntries that one buffer holds */
export function cutPositives(positives: Positives, mostEntries: number, room: Room): EntrySpans {
  const { userStart, itemStart, itemsOf } = positives
  let most = { users: mostEntries, items: mostEntries }
  if (isStreamed(itemsOf.length, room)) {
    // Two slots, each of entries of users and of items.
    const words = Math.floor((room.entryBytes! * (1 - reserve)) / 8)
    const items = Math.max(heaviest(itemStart), Math.min(words - heaviest(userStart), words >> 1))
    most = { users: Math.min(mostEntries, words - items), items: Math.min(mostEntries, items) }
  }
  return { users: cutEntries(userStart, most.users), items: cutEntries(itemStart, most.items) }
}

function heaviest(start: Uint32Array): number {
  let most = 0
  for (let row = 0; row + 1 < start.length; row++) most = Math.max(most, start[row + 1]! - start[row]!)
  return most
}

/** Where draws find the entries of a step. */
export interface EntryPlaces {
  residency: Residency
  /** The buffers for a step's entries: one of each, or one a slot. */
  buffersOf(step: EntryStep): readonly { seen: GPUBuffer; raters: GPUBuffer | undefined }[]
  /** Where the steps of an epoch find theirs among these; nothing where there is one of each. */
  place(): Pick<StepPlaces<string>, 'slot' | 'loads'> | undefined
}

/**
 * Entries on the GPU: in a buffer a span, or, where there is no room for all, streamed step by step through two slots.
 * @param steps of one round; those of an epoch follow one another
 * @throws LimitExceededError, OutOfMemoryError
 */
export async function placeEntries(
  gpu: Gpu,
  buffers: BufferOwner,
  { itemsOf, usersOf }: Positives,
  spans: EntrySpans,
  { steps, rounds, room }: { steps: readonly EntryStep[]; rounds: number; room: Room },
): Promise<EntryPlaces> {
  if (!isStreamed(itemsOf.length, room)) return await placeAll(gpu, buffers, { itemsOf, usersOf }, spans, steps)
  const count = rounds * steps.length
  const store = await EntryStore.create(
    gpu,
    buffers,
    count,
    {
      seen: step => [itemsOf.subarray(...spans.users[steps[step % steps.length]!.users]!.entries)],
      raters: step => {
        const { items } = steps[step % steps.length]!
        return items === undefined ? [] : [usersOf.subarray(...spans.items[items]!.entries)]
      },
    },
    { ...room, alone: true },
  )
  const order = Uint32Array.from({ length: count }, (_, step) => step)
  return { residency: store.residency, buffersOf: () => store.slots, place: () => store.place(order) }
}

/** Those of the items where their phase is trained alone. */
async function placeAll(
  gpu: Gpu,
  buffers: BufferOwner,
  { itemsOf, usersOf }: Pick<Positives, 'itemsOf' | 'usersOf'>,
  spans: EntrySpans,
  steps: readonly EntryStep[],
): Promise<EntryPlaces> {
  const named = steps.some(({ items }) => items !== undefined) ? spans.items : []
  const lists = [
    ...spans.users.map(({ entries }) => ({ label: 'seen', words: itemsOf.subarray(...entries) })),
    ...named.map(({ entries }) => ({ label: 'raters', words: usersOf.subarray(...entries) })),
  ]
  const made = lists.map(({ label, words }) => buffers.storage(label, words.byteLength))
  // A buffer that there was no memory for is not to be written.
  await gpu.settle(buffers)
  lists.forEach(({ words }, at) => {
    writeBuffer(gpu.device.queue, made[at]!, 0, words)
  })
  const bytes = made.reduce((sum, { size }) => sum + size, 0)
  return {
    residency: { streamed: false, slots: made.length, bytes, loadsPerEpoch: 0 },
    buffersOf: ({ users, items = 0 }) => [{ seen: made[users]!, raters: made[spans.users.length + items] }],
    place: () => undefined,
  }
}
