import fc from 'fast-check'
import { IdTable } from '../../src/data/ids.ts'
import { Random } from '../../src/data/random.ts'
import { Ratings } from '../../src/data/ratings.ts'
import { gridOf, type TileShape } from '../../src/layout/tile-grid.ts'
import type { PackedTiles, TileLayout } from '../../src/layout/tiles.ts'

/** Skewed entries: a third of them fall on the first user or the first item; a pair may stand twice. */
export function skewed(random: Random, entries: number, userCount: number, itemCount: number): Ratings {
  const draw = (count: number) => (random.uniform() < 0.3 ? 0 : random.below(count))
  return new Ratings({
    users: Uint32Array.from({ length: entries }, () => draw(userCount)),
    items: Uint32Array.from({ length: entries }, () => draw(itemCount)),
    values: Float32Array.from({ length: entries }, () => random.normal()),
    userIds: ids(userCount),
    itemIds: ids(itemCount),
  })
}

export const ids = (count: number) => new IdTable(Float64Array.from({ length: count }, (_, id) => id))

const shape: fc.Arbitrary<TileShape> = fc
  .record({
    workers: fc.integer({ min: 1, max: 13 }),
    strata: fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined }),
    slices: fc.constantFrom(1, 2, 4),
    nested: fc.boolean(),
  })
  .map(({ strata, ...rest }) => ({ ...rest, strata: strata ?? rest.workers }))

export const problem = fc.record({
  seed: fc.nat(),
  entries: fc.integer({ min: 1, max: 500 }),
  users: fc.integer({ min: 1, max: 40 }),
  items: fc.integer({ min: 1, max: 40 }),
  shape,
})

export const ratingsOf = ({
  seed,
  entries,
  users,
  items,
}: {
  seed: number
  entries: number
  users: number
  items: number
}) => skewed(new Random(seed), entries, users, items)

/** An entry as the tiles have it: slots are counted over a whole side. */
export interface TileEntry {
  held: number
  streamed: number
  value: number
}

/** The tiles that run side by side between two barriers: one for each slice. */
export interface Step {
  stratum: number
  workgroup: number
  sub: number
  /** By slice. */
  tiles: { heldBlock: number; streamedBlock: number; entries: TileEntry[] }[]
  /** The length that the kernel is told. */
  longest: number
}

/** Reads a layout as the kernel does, but written from the definition of `TileLayout` alone. */
export function stepsOf(layout: TileLayout): Step[] {
  const { slices, nested, strata } = layout.shape
  const { workgroups, subStrata } = gridOf(layout.shape)
  const [heldSide, streamedSide] = layout.held === 'users' ? [layout.users, layout.items] : [layout.items, layout.users]
  const values = new Float32Array(layout.entries.buffer)
  const steps: Step[] = []
  let at = 0
  for (let stratum = 0; stratum < strata; stratum++) {
    const first = layout.stratumStart[stratum]!
    for (let workgroup = 0; workgroup < workgroups; workgroup++) {
      for (let sub = 0; sub < subStrata; sub++) {
        const row = layout.tiles.subarray(at, at + slices + 2)
        at += slices + 2
        const tiles = Array.from({ length: slices }, (_, slice) => {
          const heldBlock = workgroup * slices + slice
          const streamedBlock = nested
            ? ((workgroup + stratum) % strata) * slices + ((slice + sub) % slices)
            : (heldBlock + stratum) % strata
          const entries: TileEntry[] = []
          for (let e = first + row[slice]!; e < first + row[slice + 1]!; e++) {
            const places = layout.entries[2 * e + 1]!
            entries.push({
              held: heldSide.blockStart[heldBlock]! + Math.floor(places / 65536),
              streamed: streamedSide.blockStart[streamedBlock]! + (places % 65536),
              value: values[2 * e]!,
            })
          }
          return { heldBlock, streamedBlock, entries }
        })
        steps.push({ stratum, workgroup, sub, tiles, longest: row[slices + 1]! })
      }
    }
  }
  return steps
}

/** The same layout with its entries in one array. */
export function inOneArray({ parts, ...cut }: PackedTiles): TileLayout {
  const entries = new Uint32Array(2 * cut.stratumStart.at(-1)!)
  let at = 0
  for (let stratum = 0; stratum < cut.shape.strata; stratum++) {
    for (const { entries: own, stratumStart } of parts) {
      const stretch = own.subarray(2 * stratumStart[stratum]!, 2 * stratumStart[stratum + 1]!)
      entries.set(stretch, at)
      at += stretch.length
    }
  }
  return { ...cut, entries }
}
