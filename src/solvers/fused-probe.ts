import type { Gpu } from '../gpu/gpu.ts'
import { probeStruct, shuffleProbe } from '../kernels/shuffle_probe.ts'
import { type FusedPlan, withoutSubgroups } from './fused-plan.ts'

/** Sums over slices by shuffles only where this device's subgroups hold whole slices. */
export async function fitToDevice(gpu: Gpu, plan: FusedPlan): Promise<FusedPlan> {
  const { lanes, subgroups } = plan.variant
  if (!subgroups) return plan
  const invocations = lanes * plan.shape.slices
  const buffers = gpu.buffers()
  try {
    const pipeline = await gpu.pipeline(shuffleProbe(lanes), { SLICES: plan.shape.slices })
    const agreed = buffers.storage('agreed', 4 * invocations)
    const group = pipeline.bind(0, { agreed, probe: buffers.uniform('probe', probeStruct.pack({ invocations })) })
    await gpu.checked('shuffle probe', () => {
      const encoder = gpu.device.createCommandEncoder({ label: 'shuffle probe' })
      const pass = encoder.beginComputePass({ label: 'shuffle probe' })
      pipeline.dispatch(pass, [group], 1)
      pass.end()
      gpu.device.queue.submit([encoder.finish()])
    })
    const all = new Uint32Array(await gpu.read(agreed, 4 * invocations)).every(word => word === 1)
    return all ? plan : withoutSubgroups(plan)
  } finally {
    buffers.destroy()
  }
}
