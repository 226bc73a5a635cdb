import type { Gpu } from '../gpu/gpu.ts'
import { type FusedPlan, withoutSubgroups } from './fused-plan.ts'
import { shufflesWithinSlices } from './slice-probe.ts'

/** Sums over slices by shuffles only where this device's subgroups hold whole slices. */
export async function fitToDevice(gpu: Gpu, plan: FusedPlan): Promise<FusedPlan> {
  const { lanes, subgroups } = plan.variant
  if (!subgroups || (await shufflesWithinSlices(gpu, lanes, plan.shape.slices))) return plan
  return withoutSubgroups(plan)
}
