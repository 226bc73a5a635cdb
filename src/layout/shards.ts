// A table that is larger than one binding is cut by rows into shards, a buffer each.

/** Rows `first` to `first + rows - 1` of a table. */
export interface RowSpan {
  first: number
  rows: number
}

/** Spans of `most` rows, the last of what is left; one at least, be it empty. */
export function cutRows(rows: number, most: number): RowSpan[] {
  const spans: RowSpan[] = []
  for (let first = 0; first < rows; first += most) spans.push({ first, rows: Math.min(most, rows - first) })
  return spans.length === 0 ? [{ first: 0, rows: 0 }] : spans
}

/** Slots of neighbouring blocks. */
export interface BlockSpan extends RowSpan {
  /** First block, and the end. */
  blocks: [from: number, to: number]
}

/**
 * Spans of whole groups of `group` neighbouring blocks, as many in each as have `most` slots together; a group that has more
 * is a span of its own.
 * @param blockStart first slot of each block, and the end
 */
export function cutBlocks(blockStart: Uint32Array, group: number, most: number): BlockSpan[] {
  const blocks = blockStart.length - 1
  const spans: BlockSpan[] = []
  let from = 0
  for (let to = Math.min(group, blocks); ; to = Math.min(to + group, blocks)) {
    const next = Math.min(to + group, blocks)
    if (to < blocks && blockStart[next]! - blockStart[from]! <= most) continue
    spans.push({ first: blockStart[from]!, rows: blockStart[to]! - blockStart[from]!, blocks: [from, to] })
    if (to === blocks) return spans
    from = to
  }
}

/** The span that a row lies in. */
export function spanOf(spans: readonly RowSpan[], row: number): number {
  let low = 0
  let high = spans.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (spans[middle]!.first <= row) low = middle
    else high = middle - 1
  }
  return low
}

/** The workers `from` to `to - 1` of a stratum whose held and streamed rows lie in a pair of spans. */
export interface StratumPart {
  held: number
  streamed: number
  from: number
  to: number
}

/**
 * A stratum, in which worker a is on group (a + stratum) mod strata of the streamed blocks, by pairs of spans.
 * @param held the workers of each span of held rows, first and end
 * @param streamed the groups of each span of streamed rows, first and end
 */
export function stratumParts(
  stratum: number,
  strata: number,
  held: readonly (readonly [number, number])[],
  streamed: readonly (readonly [number, number])[],
): StratumPart[] {
  const parts: StratumPart[] = []
  held.forEach(([first, end], h) => {
    streamed.forEach(([firstGroup, endGroup], s) => {
      // Workers go round the groups; those of one turn that are in the span are neighbours.
      for (let turn = Math.floor((first + stratum) / strata); turn * strata + firstGroup - stratum < end; turn++) {
        const ahead = turn * strata - stratum
        const from = Math.max(first, ahead + firstGroup)
        const to = Math.min(end, ahead + endGroup)
        const last = parts.at(-1)
        if (from >= to) continue
        if (last?.held === h && last.streamed === s && last.to === from) last.to = to
        else parts.push({ held: h, streamed: s, from, to })
      }
    })
  })
  return parts
}
