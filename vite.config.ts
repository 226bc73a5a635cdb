import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { findChromium } from './scripts/chromium.mjs'

const nodeTargets = [
  /^node:/,
  /^webgpu$/,
  /^@duckdb\//,
  'commander',
  'cli-progress',
  'cli-table3',
  'picocolors',
  'asciichart',
]
const libraryTargets = ['valibot', 'wesl', 'fastest-levenshtein']

export default defineConfig({
  build: {
    lib: {
      entry: { index: 'src/index.ts', node: 'src/node/index.ts', cli: 'src/cli/main.ts' },
      formats: ['es'],
    },
    target: 'es2023',
    minify: false,
    sourcemap: true,
    rollupOptions: { external: [...nodeTargets, ...libraryTargets] },
  },
  test: {
    allowOnly: false,
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts'],
          pool: 'forks',
          globalSetup: ['test/setup/require-gpu.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          testTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            instances: [{ browser: 'chromium' }],
            provider: playwright({
              launchOptions: {
                executablePath: findChromium() ?? 'no-chromium-found',
                args: [
                  '--no-sandbox',
                  '--enable-unsafe-webgpu',
                  '--use-webgpu-adapter=swiftshader',
                  '--disable-quic',
                  '--no-first-run',
                  '--disable-background-networking',
                  '--disable-component-update',
                  '--disable-sync',
                ],
              },
            }),
          },
        },
      },
    ],
  },
})
