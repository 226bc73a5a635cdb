import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DoctorFacts, diagnose, gatherFacts, isOlder } from '../../src/node/doctor.ts'
import { gatherVulkan, type VulkanFacts } from '../../src/node/vulkan.ts'

const vulkan: VulkanFacts = {
  loader: '/usr/lib/libvulkan.so.1',
  drivers: [{ file: '/usr/share/vulkan/icd.d/lvp_icd.json', library: 'libvulkan_lvp.so' }],
  override: undefined,
  mesa: '25.0.7',
  devices: [],
}

function facts(changes: Partial<VulkanFacts>, more: Partial<DoctorFacts> = {}): DoctorFacts {
  return {
    node: 'v20.11.0',
    platform: 'linux-x64',
    system: 'Debian',
    webgpu: { version: '0.6.2', problem: undefined },
    vulkan: { ...vulkan, ...changes },
    adapters: [],
    ...more,
  }
}

const problems = (found: DoctorFacts) => diagnose(found).map(({ problem }) => problem)

describe('diagnose', () => {
  it.each<[string, Partial<VulkanFacts>, RegExp, RegExp]>([
    [
      'no loader',
      { loader: undefined },
      /libvulkan\.so\.1 is missing/,
      /npm run setup:gpu.*apt-get install mesa-vulkan-drivers libvulkan1/,
    ],
    ['no driver', { drivers: [] }, /no Vulkan driver/, /npm run setup:gpu/],
    [
      'an old Mesa',
      { mesa: '22.3.6-1+deb12u1' },
      /Mesa 22\.3\.6.* is older than 23\.1, and Dawn refuses it/,
      /backports/,
    ],
    [
      'an override',
      { override: 'VK_ICD_FILENAMES', drivers: [] },
      /VK_ICD_FILENAMES replaces/,
      /unset VK_ICD_FILENAMES/,
    ],
    [
      'a forbidden device',
      { devices: [{ path: '/dev/dri/renderD128', usable: false }] },
      /renderD128 is a GPU/,
      /usermod -aG render/,
    ],
    [
      'half a driver',
      { devices: [{ path: '/dev/nvidia0', usable: true }] },
      /NVIDIA GPU, but not the Vulkan part/,
      /NVIDIA_DRIVER_CAPABILITIES/,
    ],
    ['all in place', {}, /the Vulkan drivers find no device/, /apt-get install/],
  ])('%s', (_, changes, problem, remedy) => {
    const [finding, ...others] = diagnose(facts(changes))
    expect(others).toEqual([])
    expect(finding?.problem).toMatch(problem)
    expect(finding?.remedy).toMatch(remedy)
  })

  it('names Dawn itself where it does not start', () => {
    const webgpu = { version: undefined, problem: 'no binary for this platform' }
    expect(problems(facts({}, { webgpu, vulkan: undefined }))).toEqual([
      'Dawn does not start: no binary for this platform',
    ])
  })

  it('has advice for systems without Vulkan', () => {
    expect(diagnose(facts({}, { vulkan: undefined, platform: 'darwin-arm64' }))[0]?.remedy).toMatch(/macOS/)
    expect(diagnose(facts({}, { vulkan: undefined, platform: 'win32-x64' }))[0]?.remedy).toMatch(/driver/)
  })
})

describe('isOlder', () => {
  it.each([
    ['22.3.6-1+deb12u1', true],
    ['23.0.4', true],
    ['23.1.0', false],
    ['23.10', false],
    ['25.0.7-2~bpo12+1', false],
    ['1:22.0', true],
  ])('%s: %s', (version, older) => {
    expect(isOlder(version, '23.1')).toBe(older)
  })
})

describe('gatherVulkan', () => {
  it('reads the manifests that the environment names, files and folders', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lowrank-doctor-'))
    try {
      const drivers = join(folder, 'vulkan/icd.d')
      mkdirSync(drivers, { recursive: true })
      writeFileSync(join(drivers, 'b.json'), JSON.stringify({ ICD: { library_path: 'libb.so' } }))
      writeFileSync(join(drivers, 'a.json'), 'no JSON')
      writeFileSync(join(drivers, 'readme.txt'), '')
      const expected = [
        { file: join(drivers, 'a.json'), library: undefined },
        { file: join(drivers, 'b.json'), library: 'libb.so' },
      ]
      const named = await gatherVulkan({ VK_DRIVER_FILES: drivers })
      expect(named).toMatchObject({ override: 'VK_DRIVER_FILES', drivers: expected })
      const missing = await gatherVulkan({ VK_ICD_FILENAMES: join(folder, 'none.json') })
      expect(missing).toMatchObject({ override: 'VK_ICD_FILENAMES', drivers: [] })
      const usual = await gatherVulkan({ XDG_DATA_HOME: folder })
      expect(usual.override).toBeUndefined()
      expect(usual.drivers).toEqual(expect.arrayContaining(expected))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('gatherFacts', () => {
  it('finds the adapter that the tests run on, once', async () => {
    const found = await gatherFacts()
    expect(found.adapters.length).toBeGreaterThan(0)
    const names = found.adapters.map(
      ({ vendor, architecture, description }) => `${vendor} ${architecture} ${description}`,
    )
    expect(new Set(names).size).toBe(names.length)
    expect(found.node).toBe(process.version)
    expect(found.webgpu.version).toMatch(/^\d+\.\d+\.\d+/)
  })
})
