import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, readdir, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

/** A driver's manifest, by which the loader finds it. */
export interface VulkanDriver {
  /** The manifest (ICD file). */
  file: string
  /** The driver's library as the manifest names it; absent where the manifest cannot be read. */
  library: string | undefined
}

/** What Dawn needs on Linux to find a GPU. */
export interface VulkanFacts {
  /** The loader, `libvulkan.so.1`. */
  loader: string | undefined
  drivers: VulkanDriver[]
  /** The variable of the environment that names the drivers instead of the usual folders. */
  override: string | undefined
  /** Version of the installed Mesa drivers. */
  mesa: string | undefined
  /** GPU devices (`/dev/dri/renderD*`, `/dev/nvidia*`), and whether this process may use them. */
  devices: { path: string; usable: boolean }[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** Looks where the Vulkan loader itself would look. */
export async function gatherVulkan(environment: Environment = process.env): Promise<VulkanFacts> {
  const override = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find(name => environment[name])
  const [loader, files, mesa, devices] = await Promise.all([
    findLoader(environment),
    manifests(environment, override),
    mesaVersion(),
    gpuDevices(),
  ])
  return { loader, drivers: await Promise.all(files.map(readManifest)), override, mesa, devices }
}

async function findLoader({ LD_LIBRARY_PATH = '' }: Environment): Promise<string | undefined> {
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch as string]
  const usual = ['/usr/lib64', '/usr/lib', '/lib64', '/lib', '/usr/local/lib', '/run/opengl-driver/lib']
  const own = triplet === undefined ? [] : [`/usr/lib/${triplet}`, `/lib/${triplet}`]
  const folders = [...LD_LIBRARY_PATH.split(delimiter).filter(isAbsolute), ...own, ...usual]
  for (const folder of folders) {
    const path = join(folder, 'libvulkan.so.1')
    if (await isThere(path)) return path
  }
  return undefined
}

/** Driver manifests, in the order of the loader's documentation ("Driver discovery"). */
async function manifests(environment: Environment, override: string | undefined): Promise<string[]> {
  const named = override === undefined ? undefined : environment[override]!.split(delimiter)
  const data = (environment.XDG_DATA_DIRS || '/usr/local/share:/usr/share').split(delimiter)
  const config = (environment.XDG_CONFIG_DIRS || '/etc/xdg').split(delimiter)
  const home = environment.XDG_DATA_HOME || join(homedir(), '.local/share')
  const folders = [...config, '/etc', home, ...data, '/run/opengl-driver/share']
  const places = named ?? folders.map(folder => join(folder, 'vulkan/icd.d'))
  const files = (await Promise.all(places.map(jsonFiles))).flat()
  return [...new Set(files)]
}

async function jsonFiles(place: string): Promise<string[]> {
  const status = await stat(place).catch(() => undefined)
  if (status === undefined) return []
  if (!status.isDirectory()) return [place]
  const names = await readdir(place).catch(() => [])
  return names
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(place, name))
}

async function readManifest(file: string): Promise<VulkanDriver> {
  try {
    const manifest = JSON.parse(await readFile(file, 'utf8')) as { ICD?: { library_path?: unknown } }
    return { file, library: manifest.ICD?.library_path === undefined ? undefined : String(manifest.ICD.library_path) }
  } catch {
    return { file, library: undefined }
  }
}

const packageQueries = [
  ['dpkg-query', '-W', 'mesa-vulkan-drivers'],
  ['rpm', '-q', '--qf', '%{VERSION}', 'mesa-vulkan-drivers'],
  ['pacman', '-Q', 'vulkan-swrast'],
] as const

async function mesaVersion(): Promise<string | undefined> {
  for (const [program, ...words] of packageQueries) {
    try {
      const { stdout } = await promisify(execFile)(program, words, { timeout: 5000 })
      const version = /\d+\.\d+\S*/.exec(stdout)?.[0]
      if (version !== undefined) return version
    } catch {} // another system's package manager, or the package is not installed
  }
  return undefined
}

async function gpuDevices(): Promise<{ path: string; usable: boolean }[]> {
  const render = (await readdir('/dev/dri').catch(() => [])).filter(name => name.startsWith('renderD'))
  const nvidia = (await readdir('/dev').catch(() => [])).filter(name => /^nvidia\d+$/.test(name))
  const paths = [...render.map(name => join('/dev/dri', name)), ...nvidia.map(name => join('/dev', name))]
  const usable = await Promise.all(paths.map(path => isThere(path, constants.R_OK | constants.W_OK)))
  return paths.map((path, index) => ({ path, usable: usable[index]! }))
}

async function isThere(path: string, mode: number = constants.F_OK): Promise<boolean> {
  try {
    await access(path, mode)
    return true
  } catch {
    return false
  }
}
