/// <reference types="@webgpu/types" preserve="true" />
export { CheckpointFolder } from './checkpoint-folder.ts'
export { openGpu } from './gpu.ts'
export { readModel, writeModel } from './model-file.ts'
export {
  type RatingsReport,
  type ReadFormat,
  type ReadOptions,
  readRatings,
  readRatingsReport,
} from './read-ratings.ts'
export { writePacked } from './write-packed.ts'
export { writeRatings } from './write-ratings.ts'
