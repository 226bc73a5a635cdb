/** What lowrank asks of an adapter when it opens a device, and what it then plans with. */
export interface Capabilities {
  adapter: AdapterDescription
  limits: DeviceLimits
  features: { subgroups: boolean; f16: boolean; timestamps: boolean }
  /** Lanes that any subgroup has at least; 1 without subgroups. */
  subgroupMinSize: number
}

export interface AdapterDescription {
  vendor: string
  architecture: string
  description: string
  /** True for adapters that run on the CPU: lavapipe, SwiftShader, WARP. */
  software: boolean
}

/** The limits that shape a training. The adapter's own values are asked for, not WebGPU's defaults. */
export const plannedLimits = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'minUniformBufferOffsetAlignment',
] as const

export type DeviceLimits = Record<(typeof plannedLimits)[number], number>

export const usedFeatures = ['subgroups', 'shader-f16', 'timestamp-query'] as const satisfies GPUFeatureName[]

export function describeAdapter(
  info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'description' | 'device' | 'isFallbackAdapter'>,
): AdapterDescription {
  const words = `${info.vendor} ${info.architecture} ${info.description} ${info.device}`.toLowerCase()
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description || info.device,
    software: info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|software|basic render/.test(words),
  }
}

/** What WebGPU grants where an adapter does not say. */
const leastSubgroup = 4

const unknownAdapter = { vendor: '', architecture: '', description: '', device: '', isFallbackAdapter: false }

export function describeDevice(device: GPUDevice): Capabilities {
  return {
    // Not every browser has `adapterInfo` on a device yet.
    adapter: describeAdapter(device.adapterInfo ?? unknownAdapter),
    limits: pickLimits(device.limits),
    features: {
      subgroups: device.features.has('subgroups'),
      f16: device.features.has('shader-f16'),
      timestamps: device.features.has('timestamp-query'),
    },
    subgroupMinSize: device.features.has('subgroups') ? (device.adapterInfo?.subgroupMinSize ?? leastSubgroup) : 1,
  }
}

export function pickLimits(limits: GPUSupportedLimits): DeviceLimits {
  return Object.fromEntries(plannedLimits.map(name => [name, limits[name]])) as DeviceLimits
}
