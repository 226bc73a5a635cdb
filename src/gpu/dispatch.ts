import { LimitExceededError } from '../errors.ts'

/** Workgroups in two dimensions; the kernels count them as y * x-extent + x. */
export interface DispatchSize {
  x: number
  y: number
}

/**
 * The smallest grid of at least `workgroups` workgroups whose sides keep to the device's limit.
 * @throws LimitExceededError past limit^2 workgroups.
 */
export function planDispatch(workgroups: number, maxPerDimension: number): DispatchSize {
  if (workgroups <= maxPerDimension) return { x: workgroups, y: 1 }
  const y = Math.ceil(workgroups / maxPerDimension)
  if (y > maxPerDimension) {
    throw new LimitExceededError('a dispatch', 'maxComputeWorkgroupsPerDimension^2', workgroups, maxPerDimension ** 2)
  }
  return { x: Math.ceil(workgroups / y), y }
}
