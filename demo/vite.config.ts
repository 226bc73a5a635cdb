import { defineConfig, type Plugin } from 'vite'
import { pagePolicy } from '../src/cli/page-policy.ts'
import { licenses } from './licenses.ts'

/** The page's Content-Security-Policy, in builds: before anything that it governs. */
const policy: Plugin = {
  name: 'page-policy',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: pagePolicy },
        injectTo: 'head-prepend',
      },
    ],
  },
}

const { page, workers } = licenses('licenses.txt')

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [policy, page],
  server: { host: '127.0.0.1', fs: { allow: ['..'] } },
  // The packages of the worker too are made ready at the start: one found later would load the page anew.
  optimizeDeps: { entries: ['index.html', 'engine/worker.ts'] },
  build: {
    outDir: '../dist/demo',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: false,
    assetsInlineLimit: 0,
    // The browsers that have WebGPU preload modules themselves.
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es', plugins: workers },
})
