import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { Gpu } from '../../src/gpu/gpu.ts'
import { openGpu } from '../../src/node/gpu.ts'

/** Subgroups of the GPUs that `TEST_PLANS=hardware` plans for. */
const hardwareSubgroup = 32

/**
 * `openGpu`, for tests. With `TEST_PLANS=hardware` in the environment, lowrank plans on any adapter as on a large GPU: nested
 * tiles, many of them, wide slices, whose sums go through workgroup memory where the adapter's own subgroups are smaller.
 */
export async function openTestGpu(): Promise<Gpu> {
  return planned(await openGpu())
}

/** Another `Gpu` of the same device, with a ledger, buffers to read back and limits of its own. */
export const sharing = (gpu: Gpu): Gpu => planned(Gpu.from(gpu.device, promise => gpu.wait(promise)))

function planned(gpu: Gpu): Gpu {
  if (process.env.TEST_PLANS === 'hardware') {
    gpu.capabilities.adapter.software = false
    gpu.capabilities.subgroupMinSize = hardwareSubgroup
  }
  return gpu
}

/** Collects the errors of a device that no error scope caught. */
export function watchErrors(device: GPUDevice): { take(): string[]; stop(): void } {
  let seen: string[] = []
  const listen = (event: GPUUncapturedErrorEvent) => {
    event.preventDefault()
    seen.push(event.error.message)
  }
  device.addEventListener('uncapturederror', listen)
  return {
    take() {
      const taken = seen
      seen = []
      return taken
    },
    stop: () => device.removeEventListener('uncapturederror', listen),
  }
}

/**
 * One GPU for all tests of a file, to be called at its top. A test fails where the device reports an error that nobody
 * caught, or where its buffers are still alive at the end of the file.
 */
export function useGpu(): { readonly gpu: Gpu } {
  let opened: Gpu | undefined
  let errors: ReturnType<typeof watchErrors> | undefined
  beforeAll(async () => {
    opened = await openTestGpu()
    errors = watchErrors(opened.device)
  })
  afterEach(async () => {
    await opened?.idle()
    expect(errors?.take(), 'errors of the device that nobody caught').toEqual([])
  })
  afterAll(() => {
    errors?.stop()
    opened?.destroy()
    expect(opened?.liveBytes, 'bytes in buffers that nobody destroyed').toBe(0)
  })
  return {
    get gpu(): Gpu {
      if (opened === undefined) throw new Error('the GPU is there only inside of a test')
      return opened
    },
  }
}

/** WebGPU's default limit of a storage buffer's binding, below which devices do not go. */
const usualBytes = 2 ** 27

/**
 * `useGpu` with a second GPU, for tests that `narrow` what its storage buffers may hold, so that small tables are cut into
 * shards. Each test begins with the usual limit.
 */
export function useNarrowGpu(): { readonly gpu: Gpu } {
  const context = useGpu()
  beforeEach(() => narrow(context.gpu, usualBytes))
  return context
}

/** Changes what lowrank takes the limit of storage buffers to be. */
export function narrow(gpu: Gpu, bytes: number): void {
  gpu.capabilities.limits.maxStorageBufferBindingSize = bytes
}

/** `work` on a GPU of its own, which it may break. */
export async function onOwnGpu<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
  const gpu = await openTestGpu()
  try {
    return await work(gpu)
  } finally {
    gpu.destroy()
  }
}
