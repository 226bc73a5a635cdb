/** Rows of one table to places in another: to `replica` of the second from `slot` of the first, or the other way. */
export function moveReplicas<Row>(
  slots: Row[],
  replicas: Row[],
  moves: readonly (readonly [slot: number, replica: number])[],
  way: 'gather' | 'scatter',
): void {
  for (const [slot, replica] of moves) {
    if (way === 'gather') replicas[replica] = slots[slot]!
    else slots[slot] = replicas[replica]!
  }
}
