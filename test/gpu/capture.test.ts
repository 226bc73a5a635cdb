import { describe, expect, it } from 'vitest'
import { GpuFailedError, OutOfMemoryError } from '../../src/errors.ts'
import { capture } from '../../src/gpu/capture.ts'

/**
 * A device of nothing but error scopes, since no test can count on a GPU to run out of memory. Errors go to the
 * innermost open scope of their kind, as WebGPU has it.
 */
function scopedDevice() {
  const open: { filter: GPUErrorFilter; error: GPUError | null }[] = []
  return {
    fail(filter: GPUErrorFilter, message: string) {
      const scope = open.findLast(each => each.filter === filter)
      if (scope === undefined) throw new Error(`uncaptured: ${message}`)
      scope.error ??= { message }
    },
    openScopes: () => open.length,
    device: {
      pushErrorScope: (filter: GPUErrorFilter) => void open.push({ filter, error: null }),
      popErrorScope: async () => open.pop()!.error,
    } as unknown as GPUDevice,
  }
}

describe('capture', () => {
  it('gives the result at once and settles without an error', async () => {
    const { device, openScopes } = scopedDevice()
    const { result, settled } = capture(device, 'a table', 16, () => 7)
    expect(result).toBe(7)
    expect(openScopes()).toBe(0)
    await expect(settled).resolves.toBeUndefined()
  })

  it('makes an OutOfMemoryError that says what took how much', async () => {
    const { device, fail } = scopedDevice()
    const { settled } = capture(device, 'a table', 4096, () => fail('out-of-memory', 'no'))
    await expect(settled).rejects.toThrow(OutOfMemoryError)
    await expect(settled).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', what: 'a table', bytes: 4096 })
  })

  it.each(['validation', 'internal'] as const)('makes a GpuFailedError of a %s error', async filter => {
    const { device, fail } = scopedDevice()
    const { settled } = capture(device, 'a table', 16, () => fail(filter, 'the reason'))
    await expect(settled).rejects.toThrow(GpuFailedError)
    await expect(settled).rejects.toThrow('a table: the reason')
  })

  it('puts running out of memory before what follows from it', async () => {
    const { device, fail } = scopedDevice()
    const { settled } = capture(device, 'a table', 16, () => {
      fail('out-of-memory', 'no')
      fail('validation', 'the buffer is invalid')
    })
    await expect(settled).rejects.toThrow(OutOfMemoryError)
  })

  it('closes its scopes where the calls throw', () => {
    const { device, openScopes } = scopedDevice()
    expect(() =>
      capture(device, 'a table', 16, () => {
        throw new RangeError('mine')
      }),
    ).toThrow(RangeError)
    expect(openScopes()).toBe(0)
  })
})
