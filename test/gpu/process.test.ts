import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { withPrograms } from '../support/build-program.ts'

const source = new URL('../support/gpu-program.ts', import.meta.url)

describe('a plain Node program', () => {
  it('that opens a GPU, works and destroys it ends by itself with code 0', async () => {
    await withPrograms([source], async folder => {
      for (let time = 0; time < 3; time++) {
        // Killed after the time-out, and then rejected; as it is for another code than 0.
        const program = join(folder, 'gpu-program.js')
        const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 20_000 })
        expect(stdout.trim().split('\n').at(-1)).toBe('sum 4950, live bytes 0')
      }
    })
  })
})
