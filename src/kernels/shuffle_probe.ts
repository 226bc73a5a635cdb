import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const probeStruct = scalarStruct('Probe', { invocations: 'u32' })

/** Whether shuffles stay within slices: see `shaders/shuffle_probe.wgsl`. */
export const shuffleProbe = (lanes: number) =>
  defineKernel('shuffle_probe', [{ agreed: 'read-write', probe: 'uniform' }] as const, {}, { LANES: lanes })
