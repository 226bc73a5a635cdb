/** Rows of one table to places in another: to `place` of the second from `row` of the first, or the other way. */
export function moveRows<Row>(
  rows: Row[],
  chosen: Row[],
  moves: readonly (readonly [row: number, place: number])[],
  way: 'gather' | 'scatter',
): void {
  for (const [row, place] of moves) {
    if (way === 'gather') chosen[place] = rows[row]!
    else rows[row] = chosen[place]!
  }
}
