import type { Page, Route } from 'playwright-core'

const patches = new WeakMap<Page, string[]>()

/** A worker's violations of the policy reach no console of their own. */
const reportViolations = `addEventListener('securitypolicyviolation', event =>
  console.error('policy violated in a worker:', event.violatedDirective, event.blockedURI))`

/**
 * Runs code in every worker that the page starts from now on, before the worker's own code and all that it imports. The
 * code is a module of its own; what the test wants back it puts on `globalThis`, for `page.workers()[0].evaluate`.
 */
export function patchWorker(page: Page, ...code: string[]): void {
  patches.get(page)!.push(...code)
}

/** Makes the page's workers patchable. */
export async function routeWorkers(page: Page): Promise<void> {
  patches.set(page, [reportViolations])
  await page.route(
    url => url.pathname.endsWith('.js'),
    async route => {
      const url = route.request().url()
      if (new URL(url).searchParams.has('patch')) return await answerPatch(page, route)
      if (!(await startsWorker(route))) return await route.continue()
      const response = await route.fetch()
      // An import of its own, in front: the others are evaluated after it.
      await route.fulfill({ response, body: `import ${JSON.stringify(`${url}?patch`)}; ${await response.text()}` })
    },
  )
}

async function answerPatch(page: Page, route: Route): Promise<void> {
  const body = patches
    .get(page)!
    .map(code => `{${code}}`)
    .join('\n')
  const headers = { 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Resource-Policy': 'same-origin' }
  await route.fulfill({ contentType: 'text/javascript', headers, body })
}

/** The first script of a worker is fetched without an `Origin`, a page's modules and those that a module imports with one. */
async function startsWorker(route: Route): Promise<boolean> {
  const { origin } = await route.request().allHeaders()
  return route.request().resourceType() === 'script' && origin === undefined
}

/** Patch: keeps the device that the worker opens, as `__device`. */
export const keepDevice = `const request = GPUAdapter.prototype.requestDevice
GPUAdapter.prototype.requestDevice = async function (...options) {
  return (globalThis.__device = await request.apply(this, options))
}`

/** Patch: word of a lost device comes half a second after all that was pending has failed, as in a busy browser. */
export const lateLoss = `const { get } = Object.getOwnPropertyDescriptor(GPUDevice.prototype, 'lost')
Object.defineProperty(GPUDevice.prototype, 'lost', {
  get() { return get.call(this).then(info => new Promise(resolve => setTimeout(resolve, 500, info))) },
})`

/**
 * Patch: once `__lose = { method, after }` is set, the device of `keepDevice` is lost at that call of a method: `writeBuffer`,
 * `submit` or `mapAsync`, counted from 1.
 */
export const loseOnCall = `const calls = [[GPUQueue, 'writeBuffer'], [GPUQueue, 'submit'], [GPUBuffer, 'mapAsync']]
for (const [Type, method] of calls) {
  const call = Type.prototype[method]
  Type.prototype[method] = function (...words) {
    const result = call.apply(this, words)
    const lose = globalThis.__lose
    if (lose?.method === method && --lose.after === 0) globalThis.__device.destroy()
    return result
  }
}`

/** Patch: adapters without some of their features, such as `subgroups` or `shader-f16`. */
export const hideFeatures = (...names: string[]) => `const hidden = ${JSON.stringify(names)}
const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'features')
Object.defineProperty(GPUAdapter.prototype, 'features', {
  get() { return new Set([...get.call(this)].filter(name => !hidden.includes(name))) },
})`

/** Patch: a browser without WebGPU. */
export const removeGpu = 'delete (globalThis.WorkerNavigator ?? Navigator).prototype.gpu'
