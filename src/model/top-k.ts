import { InputError } from '../errors.ts'

/**
 * Positions of the `k` largest scores, largest first, ties by position; fewer where fewer are allowed.
 * @param allowed whether a position may be chosen; positions that are not never appear
 * @throws InputError on a NaN among the allowed
 */
export function topK(
  scores: Float32Array | Float64Array,
  k: number,
  allowed: (position: number) => boolean = () => true,
): Uint32Array {
  // A heap whose root is the worst of the best k so far.
  const heap: number[] = []
  const worse = (a: number, b: number) => scores[a]! < scores[b]! || (scores[a] === scores[b] && a > b)
  const sink = (root: number, size: number) => {
    for (let parent = root; ; ) {
      const left = 2 * parent + 1
      if (left >= size) return
      const child = left + 1 < size && worse(heap[left + 1]!, heap[left]!) ? left + 1 : left
      if (!worse(heap[child]!, heap[parent]!)) return
      swap(heap, child, parent)
      parent = child
    }
  }
  const rise = (leaf: number) => {
    for (let child = leaf; child > 0; ) {
      const parent = (child - 1) >> 1
      if (!worse(heap[child]!, heap[parent]!)) return
      swap(heap, child, parent)
      child = parent
    }
  }
  if (k <= 0) return new Uint32Array(0)
  for (let position = 0; position < scores.length; position++) {
    if (!allowed(position)) continue
    if (Number.isNaN(scores[position])) throw new InputError(`the score of item ${position} is not a number`)
    if (heap.length < k) {
      heap.push(position)
      rise(heap.length - 1)
    } else if (worse(heap[0]!, position)) {
      heap[0] = position
      sink(0, heap.length)
    }
  }
  // Heap sort: the worst goes to the end, again and again.
  for (let size = heap.length - 1; size > 0; size--) {
    swap(heap, 0, size)
    sink(0, size)
  }
  return Uint32Array.from(heap)
}

function swap(list: number[], a: number, b: number): void {
  const held = list[a]!
  list[a] = list[b]!
  list[b] = held
}
