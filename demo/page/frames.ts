import { effect, type ReadonlySignal, signal } from '@preact/signals-core'

/**
 * A signal that follows another one, at most once per frame of the screen: epochs may end more often than that. While the
 * tab is hidden there are no frames; it follows again when the tab comes back.
 */
export function perFrame<Value>(source: ReadonlySignal<Value>): ReadonlySignal<Value> {
  const shown = signal(source.peek())
  let asked = false
  effect(() => {
    if (source.value === shown.peek() || asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      shown.value = source.peek()
    })
  })
  return shown
}
