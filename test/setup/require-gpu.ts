import { openGpu } from '../../src/node/gpu.ts'

/** Kernels are tested on a GPU, or a CPU that plays one. Without any the run fails here, rather than pass without them. */
export default async function requireGpu(): Promise<void> {
  try {
    const gpu = await openGpu()
    const { vendor, description, software } = gpu.capabilities.adapter
    gpu.destroy()
    process.stdout.write(`GPU adapter: ${description || vendor}${software ? ' (software)' : ''}\n`)
  } catch (error) {
    throw new Error('The tests need a GPU adapter: run `npm run setup:gpu` for a software one.', { cause: error })
  }
}
