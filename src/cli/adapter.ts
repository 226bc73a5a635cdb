import type { AdapterDescription } from '../gpu/capabilities.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { openGpu } from '../node/gpu.ts'
import type { Session } from './session.ts'

/** `llvmpipe (mesa, software)` */
export function adapterName({ vendor, architecture, description, software }: AdapterDescription): string {
  const notes = [vendor, software ? '' : architecture, software ? 'software, runs on the CPU' : '']
  return `${description || 'unnamed adapter'} (${notes.filter(note => note !== '').join(', ')})`
}

/** Opens the GPU, says which it is, and destroys it when `use` is done, so that the process can end. */
export async function withGpu<Result>({ terminal }: Session, use: (gpu: Gpu) => Promise<Result>): Promise<Result> {
  const gpu = await openGpu()
  try {
    terminal.say(`GPU: ${adapterName(gpu.capabilities.adapter)}`)
    return await use(gpu)
  } finally {
    gpu.destroy()
  }
}
