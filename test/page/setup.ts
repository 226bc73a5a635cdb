import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { servePage } from '../../src/cli/page-server.ts'
import { buildPage } from '../support/build-page.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the built page is served, with a slash at the end. */
    pageUrl: string
    /** The folder that the page was built into. */
    pageFolder: string
  }
}

/** Builds the page and serves it to the tests of this project. */
export default async function servePageToTests(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'lowrank-page-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    await buildPage(folder)
    const server = await servePage(folder)
    project.provide('pageUrl', server.url)
    project.provide('pageFolder', folder)
    return async () => {
      await server.close()
      remove()
    }
  } catch (error) {
    remove()
    throw error
  }
}
