import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the first test file that runs the program builds it, for all of them. */
    programFolder: string
  }
}

/** Inside of the checkout, so that the program finds its packages. */
const cache = resolve(import.meta.dirname, '../../node_modules/.cache')

export default function provideProgramFolder(project: TestProject): () => void {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'lowrank-cli-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  project.provide('programFolder', folder)
  project.onTestsRerun(() => {
    remove()
    mkdirSync(folder)
  })
  return remove
}
