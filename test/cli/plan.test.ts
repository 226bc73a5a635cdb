import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { useProgram } from './program.ts'

const program = useProgram()

beforeAll(() => {
  const lines = Array.from({ length: 4000 }, (_, k) => `${(k * 13) % 97},${(k * 7) % 61},${1 + (k % 5)}`)
  writeFileSync(program.path('ratings.csv'), `user,item,rating\n${lines.join('\n')}\n`)
})

describe('plan', () => {
  it('tells what a training would take, from ratings and packed ratings alike', async () => {
    await program.run(['pack', 'ratings.csv', '--out', 'ratings.lrp'])
    const flags = ['--factors', '12', '--validation-ratio', '0.1', '--duplicates', 'last']
    const [text, packed] = await Promise.all([
      program.json(['plan', 'ratings.csv', ...flags]),
      program.json(['plan', 'ratings.lrp', ...flags]),
    ])
    const { code, result } = text
    expect(code).toBe(0)
    expect(result).toMatchObject({ model: 'explicit', solver: 'sgd', options: { factors: 12 }, streamed: false })
    expect(result.secondsPerEpoch).toBeGreaterThan(0)
    const { gpuBytes, steps, entries } = result as { gpuBytes: Record<string, number>; steps: object; entries: object }
    const { total, least, ...kinds } = gpuBytes
    expect(Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0)).toBe(total)
    expect(least).toBeLessThanOrEqual(total!)
    expect(packed.result).toMatchObject({ gpuBytes, steps, entries })
    const trained = await program.json(['train', 'ratings.csv', ...flags, '--epochs', '1'])
    expect(trained.result).toMatchObject({ entries, options: { factors: 12 } })
  })

  it('shows it to people, and so does train --verbose first', async () => {
    const planned = await program.run(['plan', 'ratings.csv', '--factors', '12', '--no-calibrate'])
    expect(planned.code).toBe(0)
    expect(planned.stdout).toMatch(/^GPU memory +\d/m)
    expect(planned.stdout).toMatch(/^ {2}factors +\d/m)
    expect(planned.stdout).not.toMatch(/^time/m)
    const { stdout } = await program.run(['train', 'ratings.csv', '--factors', '12', '--epochs', '1', '--verbose'])
    const lines = planned.stdout.split('\n').filter(line => /^(GPU memory|process memory| {2}|an epoch)/.test(line))
    expect(lines.length).toBeGreaterThan(5)
    for (const line of lines) expect(stdout).toContain(line)
    expect(stdout).toMatch(/^time +about .* an epoch/m)
    expect(stdout.indexOf('GPU memory')).toBeLessThan(stdout.indexOf('--factors'))
  })

  it('takes the flags of train', async () => {
    const { code, stderr } = await program.run(['plan', 'ratings.csv', '--test-ratio', '2'])
    expect(code).toBe(2)
    expect(stderr).toContain('--test-ratio')
  })
})
