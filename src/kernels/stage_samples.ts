import { scalarStruct } from '../gpu/struct.ts'
import { defineKernel } from './sources.ts'

export const sampleStagingStruct = scalarStruct('SampleStaging', {
  first: 'u32',
  rows: 'u32',
  samples: 'u32',
  word: 'u32',
  start: 'u32',
  stride: 'u32',
})

/** Rows that samples name to a table in the order of the samples: see `shaders/stage_samples.wgsl`. */
export const stageSamples = defineKernel('stage_samples', [
  {
    samples: 'read',
    factors: 'read',
    bias: 'read',
    staged: 'read-write',
    staged_bias: 'read-write',
    staging: 'uniform',
  },
])
