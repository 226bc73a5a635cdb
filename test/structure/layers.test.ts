import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

// Data flows one way, and a file imports only from its own layer and from those before it.
const layers = [
  'errors',
  'data',
  'ingest',
  'layout',
  'gpu',
  'kernels',
  'model',
  'metrics',
  'solvers',
  'train',
  'index',
  'node',
  'cli',
]
const nodeLayers = ['node', 'cli']
const root = resolve(import.meta.dirname, '../../src')

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const importPattern =
  /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:\{[^}]*\}[^'"\n;]*?)?from\s*['"]([^'"]+)['"]|(?:^|[^.\w])import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g

const imports = new Map(
  files.map(file => {
    const text = readFileSync(join(root, file), 'utf8')
    return [file, [...text.matchAll(importPattern)].map(match => (match[1] ?? match[2] ?? match[3])!)]
  }),
)

const layerOf = (file: string) => file.split(/[/.]/)[0]!
const target = (file: string, specifier: string) => relative(root, resolve(root, dirname(file), specifier))
const localImports = (file: string) =>
  imports
    .get(file)!
    .filter(specifier => specifier.startsWith('.'))
    .map(specifier => target(file, specifier))

describe('the structure of src/', () => {
  it('is read whole', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(new Set(files.map(layerOf))).toEqual(new Set(layers))
    for (const file of files) {
      const keywords =
        readFileSync(join(root, file), 'utf8').match(/^(?:import|export)[^\n]*\bfrom '|^} from '|^import '/gm) ?? []
      const dynamic = [...readFileSync(join(root, file), 'utf8').matchAll(/[^.\w]import\(/g)].length
      expect({ file, found: imports.get(file)!.length }).toEqual({ file, found: keywords.length + dynamic })
    }
  })

  it('has no import against the flow', () => {
    const backward = files.flatMap(file =>
      localImports(file)
        .filter(to => layers.indexOf(layerOf(to)) > layers.indexOf(layerOf(file)))
        .map(to => `${file} -> ${to}`),
    )
    expect(backward).toEqual([])
  })

  it('has no cycle', () => {
    const state = new Map<string, 'open' | 'done'>()
    const cycles: string[] = []
    const visit = (file: string, path: string[]) => {
      if (state.get(file) === 'open') cycles.push([...path, file].join(' -> '))
      if (state.has(file)) return
      state.set(file, 'open')
      for (const to of localImports(file)) visit(to, [...path, file])
      state.set(file, 'done')
    }
    for (const file of files) visit(file, [])
    expect(cycles).toEqual([])
  })

  it('writes to buffers in one place, which takes shared memory too', () => {
    const writers = files.filter(file => readFileSync(join(root, file), 'utf8').includes('.writeBuffer('))
    expect(writers).toEqual([join('gpu', 'write.ts')])
  })

  it('keeps the core free of Node', () => {
    const core = files.filter(file => !nodeLayers.includes(layerOf(file)))
    const allowed = ['valibot', 'wesl', 'fastest-levenshtein']
    const readers = ['hyparquet', 'fzstd', 'fflate']
    for (const file of core) {
      const known = layerOf(file) === 'ingest' ? [...allowed, ...readers] : allowed
      const outside = imports
        .get(file)!
        .filter(specifier => !specifier.startsWith('.') && !known.includes(specifier.split('/')[0]!))
      expect({ file, outside }).toEqual({ file, outside: [] })
      const globals = readFileSync(join(root, file), 'utf8').match(/\b(process\.|Buffer\.|__dirname|setImmediate\()/g)
      expect({ file, globals }).toEqual({ file, globals: null })
    }
  })
})
