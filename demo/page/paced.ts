import { effect, type ReadonlySignal, signal } from '@preact/signals-core'

/**
 * A signal that follows another one in a frame of the screen, and at most once in a number of milliseconds: epochs may end
 * far more often than one can see. While the tab is hidden there are no frames; it follows again when the tab comes back.
 */
export function paced<Value>(source: ReadonlySignal<Value>, milliseconds: number): ReadonlySignal<Value> {
  const shown = signal(source.peek())
  let last = Number.NEGATIVE_INFINITY
  let waits = false
  const follow = () => {
    waits = false
    last = performance.now()
    shown.value = source.peek()
  }
  effect(() => {
    if (source.value === shown.peek() || waits) return
    waits = true
    setTimeout(() => requestAnimationFrame(follow), Math.max(0, last + milliseconds - performance.now()))
  })
  return shown
}
