/** Rows of a shard, side by side: to place `run - firstRun` the row of each run. */
export function gatherRuns<Row>(
  rows: readonly Row[],
  runs: readonly { run: number; row: number }[],
  firstRun: number,
  gathered: Row[],
): void {
  for (const { run, row } of runs) gathered[run - firstRun] = rows[row]!
}
