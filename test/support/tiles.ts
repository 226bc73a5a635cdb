import { gridOf } from '../../src/layout/tile-grid.ts'
import type { TileLayout } from '../../src/layout/tiles.ts'

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
