import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DoctorFacts, Finding } from '../../src/node/doctor.ts'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()
const env = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' }

type Report = DoctorFacts & { usable: boolean; findings: Finding[] }

describe('doctor', () => {
  it('finds the adapter that the tests run on', async () => {
    const { code, result } = await program.json<Report>(['doctor'])
    expect(code).toBe(0)
    expect(result.usable).toBe(true)
    expect(result.webgpu.version).toMatch(/^\d+\.\d+/)
    expect(result.adapters.flatMap(({ answers }) => answers)).toContain('high-performance')
    const { limits } = result.adapters[0]!
    expect(limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(128 * 2 ** 20)
  })

  it.runIf(process.platform === 'linux')('exits 4 without one and says what mends it', async () => {
    const { code, result, stderr } = await program.json<Report>(['doctor'], { env })
    expect(code).toBe(4)
    expect(result).toMatchObject({ usable: false, adapters: [] })
    expect(result.findings[0]).toMatchObject({ remedy: 'unset VK_DRIVER_FILES' })
    expect(stderr).toMatch(/lowrank cannot run here/)
  })
})

describe.runIf(process.platform === 'linux')('train without an adapter', () => {
  it('exits 4 and names the command that helps', async () => {
    writeFileSync(program.path('ratings.csv'), 'user,item,rating\n1,1,3\n2,1,4\n2,2,1\n')
    const { code, result, stderr } = await program.json<Failure>(['train', 'ratings.csv'], { env })
    expect(code).toBe(4)
    expect(result.error.code).toBe('GPU_UNAVAILABLE')
    expect(result.error.message).toMatch(/lowrank doctor/)
    expect(stderr).toContain(result.error.message)
  })
})
