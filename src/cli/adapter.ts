import type { AdapterDescription } from '../gpu/capabilities.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { openGpu } from '../node/gpu.ts'
import type { DeviceLoss } from '../train/training.ts'
import type { Session } from './session.ts'

/** `llvmpipe (mesa, software)` */
export function adapterName({ vendor, architecture, description, software }: AdapterDescription): string {
  const notes = [vendor, software ? '' : architecture, software ? 'software, runs on the CPU' : '']
  return `${description || 'unnamed adapter'} (${notes.filter(note => note !== '').join(', ')})`
}

/** Opens a GPU in the place of one that was lost. */
export type Reopen = (loss: DeviceLoss) => Promise<Gpu>

/** Opens the GPU, says which it is, and destroys it when `use` is done, so that the process can end. */
export async function withGpu<Result>(
  { terminal }: Session,
  use: (gpu: Gpu, reopen: Reopen) => Promise<Result>,
): Promise<Result> {
  let gpu = await openGpu()
  const reopen: Reopen = async loss => {
    terminal.warn(lossText(loss))
    gpu.destroy()
    gpu = await openGpu()
    return gpu
  }
  try {
    terminal.say(`GPU: ${adapterName(gpu.capabilities.adapter)}`)
    return await use(gpu, reopen)
  } finally {
    gpu.destroy()
  }
}

function lossText({ reason, attempt, attempts, epoch, goesOnFrom }: DeviceLoss): string {
  const going = goesOnFrom === 0 ? 'to begin anew' : `to go on from epoch ${goesOnFrom}`
  return `the GPU device was lost after epoch ${epoch} (${reason}): asking for a fresh one ${going} (${attempt} of ${attempts})`
}
