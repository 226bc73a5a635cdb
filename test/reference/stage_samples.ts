/** Rows of a shard that samples name, by sample: that of sample s at `start + stride s`; others' places are left alone. */
export function stageSamples<Row>(
  rows: readonly Row[],
  first: number,
  named: readonly number[],
  staged: Row[],
  { start, stride }: { start: number; stride: number },
): void {
  for (const [sample, row] of named.entries()) {
    if (row >= first && row < first + rows.length) staged[start + stride * sample] = rows[row - first]!
  }
}
