import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type AdapterDescription,
  type DeviceLimits,
  describeAdapter,
  pickLimits,
  usedFeatures,
} from '../gpu/capabilities.ts'
import { openDawn } from './gpu.ts'
import { gatherVulkan, type VulkanFacts } from './vulkan.ts'

/** An adapter that Dawn offers. */
export interface AdapterFacts extends AdapterDescription {
  /** What Dawn was asked for when it gave this one: `high-performance`, `low-power`, `fallback`. */
  answers: string[]
  limits: DeviceLimits
  /** Those of the features that lowrank uses which it has. */
  features: string[]
}

/** What there is on this machine for lowrank to run on. */
export interface DoctorFacts {
  node: string
  /** Operating system and processor: `linux-x64`. */
  platform: string
  system: string
  webgpu: { version: string | undefined; problem: string | undefined }
  /** On Linux, where Dawn finds GPUs through Vulkan. */
  vulkan: VulkanFacts | undefined
  adapters: AdapterFacts[]
}

export interface Finding {
  problem: string
  /** A command to run, or what else to do. */
  remedy: string
}

/** Dawn refuses older ones: `shaderUniformBufferArrayDynamicIndexing` is missing. */
const OLDEST_MESA = '23.1'

/** Gathers the facts; opens no device. */
export async function gatherFacts(): Promise<DoctorFacts> {
  const found = await findAdapters()
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    system: await systemName(),
    webgpu: { version: await webgpuVersion(), problem: found.problem },
    vulkan: process.platform === 'linux' ? await gatherVulkan() : undefined,
    adapters: found.adapters,
  }
}

/** What is missing for an adapter, or for a better one, most likely cause first. */
export function diagnose(facts: DoctorFacts): Finding[] {
  const { adapters, vulkan, webgpu } = facts
  const findings: Finding[] = []
  const none = adapters.length === 0
  if (none && webgpu.problem !== undefined) {
    findings.push({ problem: `Dawn does not start: ${webgpu.problem}`, remedy: 'npm install webgpu' })
  }
  if (vulkan !== undefined && (none || adapters.every(adapter => adapter.software))) {
    findings.push(...diagnoseVulkan(vulkan, none))
  }
  if (none && findings.length === 0) {
    findings.push({ problem: 'Dawn finds no adapter', remedy: updateAdvice(facts.platform) })
  }
  return findings
}

function diagnoseVulkan(vulkan: VulkanFacts, none: boolean): Finding[] {
  const { loader, drivers, override, mesa, devices } = vulkan
  const findings: Finding[] = []
  if (none && override !== undefined) {
    findings.push({
      problem: `${override} replaces the usual Vulkan drivers, and names ${drivers.length === 0 ? 'no file that exists' : 'others'}`,
      remedy: `unset ${override}`,
    })
  }
  if (none && loader === undefined) {
    findings.push({ problem: 'the Vulkan loader libvulkan.so.1 is missing', remedy: installAdvice })
  }
  if (none && override === undefined && drivers.length === 0) {
    findings.push({ problem: 'no Vulkan driver is installed', remedy: installAdvice })
  }
  if (none && mesa !== undefined && isOlder(mesa, OLDEST_MESA)) {
    findings.push({ problem: `Mesa ${mesa} is older than ${OLDEST_MESA}, and Dawn refuses it`, remedy: upgradeAdvice })
  }
  for (const { path } of devices.filter(device => !device.usable)) {
    findings.push({
      problem: `${path} is a GPU, but this user may not use it`,
      remedy: 'sudo usermod -aG render,video "$USER", then log in again',
    })
  }
  const nvidia = devices.some(({ path }) => path.startsWith('/dev/nvidia'))
  if (nvidia && override === undefined && !drivers.some(({ file }) => /nvidia/i.test(file))) {
    findings.push({
      problem: 'there is an NVIDIA GPU, but not the Vulkan part of its driver (nvidia_icd.json, libGLX_nvidia.so.0)',
      remedy: "install the driver's graphics libraries; in a container, NVIDIA_DRIVER_CAPABILITIES=all",
    })
  }
  if (none && findings.length === 0) {
    findings.push({ problem: 'the Vulkan drivers find no device', remedy: installAdvice })
  }
  return findings
}

const installAdvice =
  'in a checkout `npm run setup:gpu`; on Debian and Ubuntu `sudo apt-get install mesa-vulkan-drivers libvulkan1`; ' +
  'on Fedora `sudo dnf install mesa-vulkan-drivers vulkan-loader`; on Arch `sudo pacman -S vulkan-swrast vulkan-icd-loader`'

const upgradeAdvice =
  'in a checkout `npm run setup:gpu`, which takes it from the backports; or upgrade to a release with Mesa 23.1 or newer'

function updateAdvice(platform: string): string {
  if (platform.startsWith('darwin')) return 'update macOS and Node: Metal is built in'
  if (platform.startsWith('win32')) return 'update the graphics driver: Direct3D 12 is built in'
  return 'a driver for Vulkan, Metal or Direct3D 12 is needed'
}

/** Compares versions by their first two numbers. */
export function isOlder(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version
    .replace(/^\d+:/, '')
    .split('.')
    .map(part => Number.parseInt(part, 10))
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major < leastMajor || (major === leastMajor && minor < leastMinor)
}

const questions = [
  ['high-performance', { powerPreference: 'high-performance' }],
  ['low-power', { powerPreference: 'low-power' }],
  ['fallback', { forceFallbackAdapter: true }],
] as const satisfies [string, GPURequestAdapterOptions][]

async function findAdapters(): Promise<{ adapters: AdapterFacts[]; problem: string | undefined }> {
  const adapters = new Map<string, AdapterFacts>()
  let dawn: ReturnType<typeof openDawn> | undefined
  try {
    dawn = openDawn()
    for (const [name, options] of questions) {
      const adapter = await dawn.provider.requestAdapter(options)
      if (adapter === null) continue
      const { info } = adapter
      const key = JSON.stringify([info.vendor, info.architecture, info.device, info.description])
      const known = adapters.get(key)
      if (known !== undefined) known.answers.push(name)
      else adapters.set(key, describe(adapter, name))
    }
    return { adapters: [...adapters.values()], problem: undefined }
  } catch (error) {
    return { adapters: [...adapters.values()], problem: error instanceof Error ? error.message : String(error) }
  } finally {
    dawn?.release()
  }
}

function describe(adapter: GPUAdapter, answer: string): AdapterFacts {
  return {
    ...describeAdapter(adapter.info),
    answers: [answer],
    limits: pickLimits(adapter.limits),
    features: usedFeatures.filter(feature => adapter.features.has(feature)),
  }
}

async function webgpuVersion(): Promise<string | undefined> {
  try {
    const entry = createRequire(import.meta.url).resolve('webgpu')
    const manifest = JSON.parse(await readFile(join(dirname(entry), 'package.json'), 'utf8')) as { version?: string }
    return manifest.version
  } catch {
    return undefined
  }
}

async function systemName(): Promise<string> {
  const text = process.platform === 'linux' ? await readFile('/etc/os-release', 'utf8').catch(() => '') : ''
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? `${process.platform} ${release()}`
}
