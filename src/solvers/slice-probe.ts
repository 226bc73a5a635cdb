import type { Gpu } from '../gpu/gpu.ts'
import { probeStruct, shuffleProbe } from '../kernels/shuffle_probe.ts'

/** Whether this device's subgroups hold whole slices of so many lanes, in workgroups of so many slices. */
export async function shufflesWithinSlices(gpu: Gpu, lanes: number, slices: number): Promise<boolean> {
  const invocations = lanes * slices
  const buffers = gpu.buffers()
  try {
    const pipeline = await gpu.pipeline(shuffleProbe(lanes), { SLICES: slices })
    const agreed = buffers.storage('agreed', 4 * invocations)
    const group = pipeline.bind(0, { agreed, probe: buffers.uniform('probe', probeStruct.pack({ invocations })) })
    await gpu.checked('shuffle probe', () => {
      const encoder = gpu.device.createCommandEncoder({ label: 'shuffle probe' })
      const pass = encoder.beginComputePass({ label: 'shuffle probe' })
      pipeline.dispatch(pass, [group], 1)
      pass.end()
      gpu.device.queue.submit([encoder.finish()])
    })
    return new Uint32Array(await gpu.read(agreed, 4 * invocations)).every(word => word === 1)
  } finally {
    buffers.destroy()
  }
}
