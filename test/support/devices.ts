import type { Capabilities } from '../../src/gpu/capabilities.ts'

export const limits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  minUniformBufferOffsetAlignment: 256,
}

/** What a device with the limits that every device has can do. */
export function device(software: boolean, subgroupMinSize: number): Capabilities {
  return {
    adapter: { vendor: '', architecture: '', description: '', software },
    limits,
    features: { subgroups: subgroupMinSize > 1, f16: true, timestamps: true },
    subgroupMinSize,
  }
}

export const [lavapipe, swiftshader, nvidia, intel, without] = [
  device(true, 8),
  device(true, 4),
  device(false, 32),
  device(false, 8),
  device(false, 1),
] as const
