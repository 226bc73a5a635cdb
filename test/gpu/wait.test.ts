import { afterEach, expect, it, vi } from 'vitest'
import { useGpu } from '../support/gpu.ts'

const device = useGpu()
afterEach(() => vi.restoreAllMocks())

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

it('sleeps once a turn, however many promises are waited for, and not at all when none is', async () => {
  const sleeps = vi.spyOn(Atomics, 'wait')
  // Waits that begin as others end must not leave a loop behind.
  for (let wait = 0; wait < 30; wait++) await device.gpu.wait(turn())
  const settle: (() => void)[] = []
  const pending = Array.from({ length: 6 }, () =>
    device.gpu.wait(new Promise<void>(resolve => settle.push(() => resolve()))),
  )
  for (let warm = 0; warm < 40; warm++) await turn()
  let most = 0
  for (let t = 0; t < 20; t++) {
    const before = sleeps.mock.calls.length
    await turn()
    most = Math.max(most, sleeps.mock.calls.length - before)
  }
  // A turn of this test may begin before the loop's or after it.
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(2)

  for (const end of settle) end()
  await Promise.all(pending)
  await turn()
  const after = sleeps.mock.calls.length
  for (let t = 0; t < 40; t++) await turn()
  expect(sleeps.mock.calls.length).toBe(after)
})
