import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Manifest {
  name?: string
  version?: string
}

/** The package's version, from its `package.json`: the nearest one above this file that bears its name. */
export function packageVersion(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const { name, version } = readManifest(join(folder, 'package.json'))
    if (name === 'lowrank' && version !== undefined) return version
  }
  return 'unknown'
}

function readManifest(file: string): Manifest {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest
  } catch {
    return {}
  }
}
