import { create } from 'webgpu'
import { GpuUnavailableError } from '../errors.ts'
import { Gpu, type OpenOptions } from '../gpu/gpu.ts'
import { hostThreads } from './threads.ts'

/** Adapters and devices live only as long as the object that `create` returns is referenced. */
const instances = new Set<GPU>()

/** Dawn's WebGPU for Node. Release it when the devices made from it are destroyed. */
export function openDawn(): { provider: GPU; release(): void } {
  let provider: GPU
  try {
    provider = create([]) as GPU
  } catch (error) {
    throw new GpuUnavailableError(`Dawn does not start: ${(error as Error).message}`, setupAdvice)
  }
  instances.add(provider)
  return { provider, release: () => void instances.delete(provider) }
}

export const setupAdvice =
  'Run `npx lowrank doctor` to see what is missing. On Debian and Ubuntu, `npm run setup:gpu` in a checkout of lowrank installs a software GPU.'

/**
 * Opens a GPU in Node, through Dawn (Vulkan, Metal or Direct3D 12).
 * @throws GpuUnavailableError where no adapter is found
 */
export async function openGpu(options: OpenOptions = {}): Promise<Gpu> {
  const { provider, release } = openDawn()
  try {
    return await Gpu.open(options, { provider, wait: waitInSteps, threads: hostThreads(), release })
  } catch (error) {
    release()
    if (error instanceof GpuUnavailableError) throw new GpuUnavailableError('no GPU adapter was found', setupAdvice)
    throw error
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Promises that are waited for. One loop polls for all of them. */
let waiting = 0
let polling = false

/** Turns of the loop since something last settled. */
let idleTurns = 0

/** Turns without a sleep, about 0.2 ms: what is all but done should not cost one. */
const busyTurns = 20

/** Milliseconds: a sleep takes an eighth of the time slept so far, so that a short wait ends little later than it could. */
const sleep = { least: 0.05, most: 1, share: 1 / 8 }

/** Milliseconds slept since something last settled. */
let slept = 0

/**
 * While a GPU promise is pending, Dawn's binding polls from the main thread without a pause and burns a whole core.
 * Sleeping up to a millisecond between its polls gives that core back; timers and other callbacks run in between.
 */
async function waitInSteps<T>(promise: Promise<T>): Promise<T> {
  waiting++
  settled()
  if (!polling) void poll()
  try {
    return await promise
  } finally {
    waiting--
    settled()
  }
}

function settled(): void {
  idleTurns = 0
  slept = 0
}

async function poll(): Promise<void> {
  polling = true
  while (waiting > 0) {
    if (idleTurns++ >= busyTurns) {
      const milliseconds = Math.min(sleep.most, Math.max(sleep.least, sleep.share * slept))
      Atomics.wait(sleeper, 0, 0, milliseconds)
      slept += milliseconds
    }
    await nextTurn()
  }
  polling = false
}

const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))
