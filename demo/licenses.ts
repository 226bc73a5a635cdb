import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

interface Manifest {
  name?: string
  version?: string
  license?: string
}

/**
 * Collects the licences of all packages whose code is in the page or in its workers, and writes them into one file. Vite's
 * own `build.license` does not see the workers: they are bundles of their own.
 */
export function licenses(fileName: string): { page: Plugin; workers: () => Plugin[] } {
  const folders = new Set<string>()
  const collect: Plugin['generateBundle'] = (_, bundle) => {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue
      for (const module of chunk.moduleIds) {
        if (module.includes('/node_modules/') && !module.startsWith('\0')) folders.add(packageFolder(dirname(module)))
      }
    }
  }
  return {
    workers: () => [{ name: 'collect-licenses', generateBundle: collect }],
    page: {
      name: 'write-licenses',
      apply: 'build',
      // Workers are bundled while the page's modules are read, so theirs are here by now.
      generateBundle(...bundle) {
        collect.call(this, ...bundle)
        const sections = [...folders].sort((a, b) => a.localeCompare(b)).map(describePackage)
        const source = ['Licences of the packages in this page', ...sections].join('\n\n')
        this.emitFile({ type: 'asset', fileName, source: `${source}\n` })
      },
    },
  }
}

/** The folder of the package that a file belongs to: manifests without a name only mark the kind of modules. */
function packageFolder(folder: string): string {
  const file = join(folder, 'package.json')
  if (existsSync(file) && readManifest(file).name !== undefined) return folder
  if (folder === dirname(folder)) throw new Error(`${folder} lies in no package`)
  return packageFolder(dirname(folder))
}

function describePackage(folder: string): string {
  const { name, version, license } = readManifest(join(folder, 'package.json'))
  if (license === undefined) throw new Error(`${name} names no licence`)
  const file = readdirSync(folder).find(entry => /^(licen[cs]e|copying)/i.test(entry))
  const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`
  return `## ${name} ${version} (${license})${text}`
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}
