import type { Gpu } from '../gpu/gpu.ts'
import type { AlsPlan } from './als-plan.ts'
import { shufflesWithinSlices } from './slice-probe.ts'

/** Sums over slices by shuffles only where this device's subgroups hold whole slices. */
export async function fitToDevice(gpu: Gpu, plan: AlsPlan): Promise<AlsPlan> {
  const { lanes, subgroups } = plan.slices
  if (!subgroups || (await shufflesWithinSlices(gpu, lanes, plan.slicesPerWorkgroup))) return plan
  return { ...plan, slices: { ...plan.slices, subgroups: false } }
}
