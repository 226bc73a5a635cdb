/** Positions 0 to n - 1 grouped by key: those with key b are `order[offsets[b]]` to `order[offsets[b + 1] - 1]`, ascending. */
export interface Groups {
  /** keys + 1 */
  offsets: Uint32Array
  order: Uint32Array
}

/**
 * Groups positions by key with a stable counting sort: O(n + keys) time, n + keys words of memory. Positions whose key
 * is not below `keyCount`, as that of an unknown user, are left out.
 */
export function groupByKey(keys: Uint32Array, keyCount: number): Groups {
  const offsets = new Uint32Array(keyCount + 1)
  for (let e = 0; e < keys.length; e++) {
    const key = keys[e]!
    if (key < keyCount) offsets[key + 1]!++
  }
  for (let b = 0; b < keyCount; b++) offsets[b + 1]! += offsets[b]!
  const next = offsets.slice(0, keyCount)
  const order = new Uint32Array(offsets[keyCount]!)
  for (let e = 0; e < keys.length; e++) {
    const key = keys[e]!
    if (key < keyCount) order[next[key]!++] = e
  }
  return { offsets, order }
}
