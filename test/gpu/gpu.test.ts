import { describe, expect, it } from 'vitest'
import { DeviceLostError, GpuFailedError, GpuUnavailableError, LimitExceededError } from '../../src/errors.ts'
import { BufferOwner } from '../../src/gpu/buffers.ts'
import { Gpu } from '../../src/gpu/gpu.ts'
import { reduce } from '../../src/kernels/reduce.ts'
import { openGpu } from '../../src/node/gpu.ts'
import { onOwnGpu, useGpu, watchErrors } from '../support/gpu.ts'

const device = useGpu()

/** A call that no device accepts. */
const invalid = (gpu: Gpu) => gpu.device.createBuffer({ size: 16, usage: 0xffff })

describe('the harness', () => {
  it('sees an error that nobody caught', async () => {
    await onOwnGpu(async gpu => {
      const errors = watchErrors(gpu.device)
      invalid(gpu)
      await gpu.idle()
      expect(errors.take()).toHaveLength(1)
      errors.stop()
    })
  })
})

describe('Gpu.open', () => {
  it('says so where there is no WebGPU and where there is no adapter', async () => {
    await expect(Gpu.open()).rejects.toThrow(GpuUnavailableError)
    const provider = { requestAdapter: async () => null } as unknown as GPU
    await expect(Gpu.open({}, { provider })).rejects.toThrow(/no GPU adapter/)
    await expect(Gpu.open({}, { provider })).rejects.toMatchObject({ remedy: expect.stringContaining('doctor') })
  })

  it("asks for the adapter's limits", () => {
    const { limits, adapter } = device.gpu.capabilities
    expect(limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8)
    expect(limits.maxComputeWorkgroupsPerDimension).toBeGreaterThanOrEqual(65_535)
    expect(adapter.description).not.toBe('')
  })
})

describe('checked', () => {
  it('makes a GpuFailedError of a validation error', async () => {
    await expect(device.gpu.checked('a bad buffer', () => invalid(device.gpu))).rejects.toThrow(GpuFailedError)
    await expect(device.gpu.checked('a bad buffer', () => invalid(device.gpu))).rejects.toThrow(/^a bad buffer: /)
  })

  it('gives each of many calls its own errors', async () => {
    const { gpu } = device
    const results = await Promise.allSettled([
      gpu.checked('first', () => invalid(gpu)),
      gpu.checked('second', () => 2),
      gpu.checked('third', () => gpu.device.createSampler({ maxAnisotropy: 0 })),
      gpu.checked('fourth', () => 4),
    ])
    expect(results.map(result => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
      expect.stringMatching(/first: .*usage/i),
      2,
      expect.stringMatching(/third: .*anisotropy/i),
      4,
    ])
  })

  it('lets an exception of the calls pass and keeps its scopes in order', async () => {
    const { gpu } = device
    const failing = gpu.checked('mine', () => {
      throw new RangeError('mine')
    })
    await expect(failing).rejects.toThrow(RangeError)
    await expect(gpu.checked('next', () => 1)).resolves.toBe(1)
  })
})

describe('pipeline', () => {
  it('compiles a variant once', async () => {
    const { gpu } = device
    expect(await gpu.pipeline(reduce)).toBe(await gpu.pipeline(reduce))
  })

  it('hands on what the compiler says of a shader that does not compile', async () => {
    const text = '@compute @workgroup_size(1) fn broken() { let x: u32 = 1.5; }'
    const broken = { name: 'broken', groups: [], conditions: {}, sources: { './broken.wgsl': text } }
    await expect(device.gpu.pipeline(broken)).rejects.toThrow(GpuFailedError)
    await expect(device.gpu.pipeline(broken)).rejects.toThrow(/the kernel broken does not compile.*u32/s)
  })

  it('does not take a constant that the shader does not have', async () => {
    await expect(device.gpu.pipeline(reduce, { NOT_THERE: 1 })).rejects.toThrow(/reduce does not compile.*NOT_THERE/s)
  })
})

describe('buffers', () => {
  it('throw before they are made where a limit is too small', () => {
    const { gpu } = device
    const before = gpu.liveBytes
    const buffers = gpu.buffers()
    const available = gpu.capabilities.limits.maxStorageBufferBindingSize
    expect(() => buffers.storage('a table', available + 4)).toThrow(LimitExceededError)
    expect(() => buffers.storage('a table', available + 4)).toThrow(
      expect.objectContaining({ limit: 'maxStorageBufferBindingSize', needed: available + 4, available }),
    )
    const small = new BufferOwner(gpu.device, { ...gpu.capabilities.limits, maxBufferSize: 1024 }, { liveBytes: 0 })
    expect(() => small.uniform('windows', new ArrayBuffer(2048))).toThrow(
      expect.objectContaining({ limit: 'maxBufferSize', needed: 2048, available: 1024 }),
    )
    expect(gpu.liveBytes).toBe(before)
  })

  it('are counted while they live', async () => {
    const { gpu } = device
    const before = gpu.liveBytes
    const buffers = gpu.buffers()
    const table = buffers.storage('a table', 1001)
    expect(table.size).toBe(1004)
    buffers.uniform('numbers', new ArrayBuffer(20))
    expect(buffers.storage('an empty table', 0).size).toBe(16)
    await gpu.settle(buffers)
    expect(gpu.liveBytes).toBe(before + 1004 + 32 + 16)
    buffers.release(table)
    buffers.release(table)
    expect(gpu.liveBytes).toBe(before + 32 + 16)
    buffers.destroy()
    buffers.destroy()
    expect(gpu.liveBytes).toBe(before)
  })

  it('of one owner live on when those of another are destroyed', async () => {
    const { gpu } = device
    const [one, other] = [gpu.buffers(), gpu.buffers()]
    const table = one.upload('a table', Uint32Array.of(1, 2, 3))
    other.upload('another table', Uint32Array.of(4))
    other.destroy()
    expect(new Uint32Array(await gpu.read(table, 12))).toEqual(Uint32Array.of(1, 2, 3))
    one.destroy()
  })
})

describe('read', () => {
  const mebibyte = 2 ** 20
  it.each([0, 1, 3, 4, 5, 4097, 32 * mebibyte, 32 * mebibyte + 1, 33 * mebibyte - 2])('gives %i bytes', async bytes => {
    const { gpu } = device
    const buffers = gpu.buffers()
    const data = new Uint8Array(Math.max(4, 4 * Math.ceil(bytes / 4)))
    for (let at = 0; at < data.length; at++) data[at] = (at * 7 + (at >> 12)) & 0xff
    const table = buffers.upload('a table', data)
    const read = new Uint8Array(await gpu.read(table, bytes))
    expect(Buffer.compare(read, data.subarray(0, bytes))).toBe(0)
    buffers.destroy()
  })

  it('keeps reads apart that overlap', async () => {
    const { gpu } = device
    const buffers = gpu.buffers()
    const tables = Array.from({ length: 9 }, (_, n) => buffers.upload(`table ${n}`, new Uint32Array(10 + n).fill(n)))
    const read = await Promise.all(tables.map((table, n) => gpu.read(table, 4 * (10 + n))))
    read.forEach((bytes, n) => {
      expect(new Uint32Array(bytes)).toEqual(new Uint32Array(10 + n).fill(n))
    })
    buffers.destroy()
  })

  it('makes no new buffers when it reads again', async () => {
    const { gpu } = device
    const buffers = gpu.buffers()
    const table = buffers.storage('a table', 100_000)
    await gpu.read(table, 100_000)
    const after = gpu.liveBytes
    for (let time = 0; time < 5; time++) await gpu.read(table, 90_000)
    expect(gpu.liveBytes).toBe(after)
    buffers.destroy()
  })

  it('past the end of a buffer is an error, not zeros', async () => {
    const { gpu } = device
    const buffers = gpu.buffers()
    await expect(gpu.read(buffers.storage('a table', 64), 128)).rejects.toThrow(GpuFailedError)
    buffers.destroy()
  })
})

describe('destroy', () => {
  it('leaves no bytes alive', async () => {
    await onOwnGpu(async gpu => {
      const buffers = gpu.buffers()
      await gpu.read(buffers.storage('a table', 4096), 4096)
      buffers.destroy()
      gpu.destroy()
      expect(gpu.liveBytes).toBe(0)
    })
  })

  it("leaves a caller's device alive", async () => {
    const borrowed = Gpu.from(device.gpu.device)
    const buffers = borrowed.buffers()
    await borrowed.read(buffers.storage('a table', 16), 16)
    buffers.destroy()
    borrowed.destroy()
    expect(borrowed.liveBytes).toBe(0)
    expect(await device.gpu.checked('still there', () => 1)).toBe(1)
    const table = device.gpu.buffers()
    expect(new Uint32Array(await device.gpu.read(table.upload('a table', Uint32Array.of(5)), 4))[0]).toBe(5)
    table.destroy()
  })

  it('is what `await using` calls', async () => {
    const gpu = await openGpu()
    await gpu[Symbol.asyncDispose]()
    await expect(gpu.idle()).rejects.toThrow(DeviceLostError)
  })
})

describe('the loss of the device', () => {
  const waits: Record<string, (gpu: Gpu) => Promise<unknown>> = {
    idle: gpu => gpu.idle(),
    read: gpu => gpu.read(gpu.buffers().storage('a table', 1000), 1000),
    checked: gpu => gpu.checked('calls', () => 1),
    settle(gpu) {
      const buffers = gpu.buffers()
      buffers.storage('a table', 1000)
      return gpu.settle(buffers)
    },
  }

  it.each(Object.entries(waits))('meanwhile and before makes a DeviceLostError of %s', async (_, wait) => {
    await onOwnGpu(async gpu => {
      const waiting = wait(gpu)
      gpu.device.destroy()
      await expect(waiting).rejects.toThrow(DeviceLostError)
      await expect(wait(gpu)).rejects.toThrow(DeviceLostError)
    })
  })

  // As a busy browser does it: the mapping is given up at once, word of the loss takes its time.
  it('is what a mapping is given up for, even where word of it comes later', async () => {
    await onOwnGpu(async ({ device: { limits, features, adapterInfo } }) => {
      const info = { reason: 'destroyed', message: 'taken away' } as GPUDeviceLostInfo
      const lost = new Promise<GPUDeviceLostInfo>(resolve => setTimeout(resolve, 100, info))
      const gpu = Gpu.from({ limits, features, adapterInfo, lost } as GPUDevice)
      const waiting = gpu.wait(Promise.reject(new DOMException('Buffer was unmapped', 'AbortError')))
      await expect(waiting).rejects.toThrow(new DeviceLostError('taken away'))
      gpu.destroy()
    })
  })

  it('is what a reading ends with whose buffer was mapped just before', async () => {
    await onOwnGpu(async gpu => {
      const { device } = gpu
      const buffers = gpu.buffers()
      const source = buffers.storage('source', 64)
      const createBuffer = device.createBuffer.bind(device)
      device.createBuffer = descriptor => {
        const buffer = createBuffer(descriptor)
        const getMappedRange = buffer.getMappedRange.bind(buffer)
        buffer.getMappedRange = (...words) => {
          device.destroy()
          return getMappedRange(...words)
        }
        return buffer
      }
      await expect(gpu.read(source, 64)).rejects.toThrow(DeviceLostError)
      buffers.destroy()
    })
  })
})
