import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

/**
 * `use` with a folder in which each source is a file of plain JavaScript of the same name, with nothing beside it but Dawn's
 * binding.
 */
export async function withPrograms<T>(sources: readonly URL[], use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'lowrank-program-'))
  try {
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    for (const source of sources) {
      await build({
        configFile: false,
        logLevel: 'error',
        ssr: { noExternal: true, external: ['webgpu'] },
        build: {
          ssr: fileURLToPath(source),
          outDir: folder,
          emptyOutDir: false,
          rollupOptions: {
            output: {
              entryFileNames: `${basename(source.pathname, '.ts')}.js`,
              paths: { webgpu: pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href },
            },
          },
        },
      })
    }
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
