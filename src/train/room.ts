import { OptionError } from '../errors.ts'
import type { Room } from '../solvers/entry-store.ts'
import type { TrainingMemory } from './memory.ts'

/** What there is room for on the GPU beside the tables of a training. */
export interface TrainingRoom extends Room {
  /** Bytes for its entries. */
  entryBytes: number
  /** Whether no more than a piece of many validation entries lies on the GPU at once. */
  pieceByPiece: boolean
}

/**
 * MiB in bytes.
 * @throws OptionError
 */
export function bytesOf(memory: number | undefined): number | undefined {
  if (memory === undefined) return undefined
  if (typeof memory === 'number' && memory > 0) return memory * 2 ** 20
  throw new OptionError('memory', `"memory" must be a number of MiB above 0, not ${JSON.stringify(memory)}`)
}

/** Attempts with half the room of the one before, until it is the least room's turn. */
const mostHalvings = 3

/** All that is needed where that fits into `most` bytes, else what the tables leave. */
export function roomIn({ total, bytes, validationPiece }: TrainingMemory, most: number): TrainingRoom {
  if (total <= most) return { entryBytes: most - (total - bytes.entries), pieceByPiece: false }
  return { entryBytes: most - (total - bytes.entries - bytes.validation + validationPiece), pieceByPiece: true }
}

/** What is tried in turn where the GPU has no memory: the room itself, half of it and so on, and the least. */
export function smallerRooms(room: TrainingRoom, { bytes, stepBytes }: TrainingMemory): TrainingRoom[] {
  const least = Math.min(bytes.entries, 2 * stepBytes)
  const rooms = [room]
  for (let halving = 1; halving <= mostHalvings + 1; halving++) {
    const half = halving > mostHalvings ? least : Math.floor(Math.min(room.entryBytes, bytes.entries) / 2 ** halving)
    const entryBytes = Math.max(least, half)
    const last = rooms.at(-1)!
    if (entryBytes < last.entryBytes || !last.pieceByPiece) rooms.push({ entryBytes, pieceByPiece: true })
  }
  return rooms
}
