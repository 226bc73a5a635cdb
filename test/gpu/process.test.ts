import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'

const program = fileURLToPath(new URL('../support/gpu-program.ts', import.meta.url))

/** The program as one file of plain JavaScript, with nothing beside it but Dawn's binding. */
async function bundle(folder: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: ['webgpu'] },
    build: {
      ssr: program,
      outDir: folder,
      rollupOptions: {
        output: {
          entryFileNames: 'program.mjs',
          paths: { webgpu: pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href },
        },
      },
    },
  })
  return join(folder, 'program.mjs')
}

describe('a plain Node program', () => {
  it('that opens a GPU, works and destroys it ends by itself with code 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lowrank-program-'))
    try {
      const file = await bundle(folder)
      for (let time = 0; time < 3; time++) {
        // Killed after the time-out, and then rejected; as it is for another code than 0.
        const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 })
        expect(stdout.trim().split('\n').at(-1)).toBe('sum 4950, live bytes 0')
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
