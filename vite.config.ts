import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumArguments, findChromium, softwareGpuArguments } from './scripts/chromium.mjs'

const nodeTargets = [
  /^node:/,
  /^webgpu$/,
  /^@duckdb\//,
  'commander',
  'cli-progress',
  'cli-table3',
  'picocolors',
  'asciichart',
  'sirv',
]
const libraryTargets = ['valibot', 'wesl', 'fastest-levenshtein', /^hyparquet\//, 'fzstd', 'fflate']

export default defineConfig({
  build: {
    lib: {
      entry: {
        index: 'src/index.ts',
        node: 'src/node/index.ts',
        cli: 'src/cli/main.ts',
        'lowrank-thread': 'src/node/lowrank-thread.ts',
      },
      formats: ['es'],
    },
    target: 'es2023',
    minify: false,
    sourcemap: true,
    rollupOptions: { external: [...nodeTargets, ...libraryTargets] },
  },
  test: {
    allowOnly: false,
    // By default one core stays idle: of two that is half.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts', 'test/**/*.page.test.ts'],
          pool: 'forks',
          globalSetup: ['test/setup/require-gpu.ts', 'test/setup/program-folder.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          // Plans as for a large GPU, held against buffers and models on whatever adapter there is: `test/support/gpu.ts`.
          name: 'hardware-plans',
          include: ['test/train/memory.test.ts', 'test/solvers/fused-shards.test.ts'],
          env: { TEST_PLANS: 'hardware' },
          pool: 'forks',
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
                args: [...chromiumArguments, ...softwareGpuArguments],
              },
            }),
          },
        },
      },
      {
        test: {
          name: 'page',
          include: ['test/page/**/*.page.test.ts'],
          pool: 'forks',
          globalSetup: ['test/page/setup.ts', 'test/setup/program-folder.ts'],
          // A training on two cores wants both: one file after another, when the other projects are done.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
