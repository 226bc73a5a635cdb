import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()

beforeAll(async () => {
  const shape = ['--users', '200', '--items', '120', '--entries', '20000', '--rank', '3', '--seed', '1']
  const { code } = await program.run(['synth', ...shape, '--out', 'ratings.csv'])
  expect(code).toBe(0)
}, 60_000)

const train = ['train', 'ratings.csv', '--factors', '6', '--epochs', '3']

const residency = (words: string) =>
  Object.fromEntries([...words.matchAll(/entries: (\w+) +(\w+)/g)].map(([, name, value]) => [name, value]))

describe('train --memory', () => {
  it('streams the entries that do not fit, to the same model file', async () => {
    const all = await program.run([...train, '--out', 'all.safetensors', '--verbose'])
    expect(all.code).toBe(0)
    expect(residency(all.stdout + all.stderr)).toMatchObject({ streamed: 'false', slots: '1', loadsPerEpoch: '0' })
    const refused = await program.json<Failure>([...train, '--memory', '0.001'])
    expect(refused.code).toBe(4)
    const { needed } = refused.result.error as unknown as { needed: number }
    const words = [...train, '--memory', String(needed / 2 ** 20), '--out', 'bound.safetensors', '--verbose']
    const bound = await program.run(words)
    expect(bound.code).toBe(0)
    expect(residency(bound.stdout + bound.stderr)).toMatchObject({ streamed: 'true', slots: '2' })
    const file = (name: string) => readFileSync(program.path(name))
    expect(file('bound.safetensors').equals(file('all.safetensors'))).toBe(true)
  })

  it('says what is needed, and with how many factors less would do', async () => {
    const { code, stderr } = await program.run(['train', 'ratings.csv', '--factors', '200', '--memory', '0.3'])
    expect(code).toBe(4)
    expect(stderr).toMatch(/the training needs [\d.]+ MiB of memory, there may be 0\.3 MiB; take \d+ factors at most/)
  })

  it.each(['0', '-3', 'much'])('refuses %s', async memory => {
    const { code, stderr } = await program.run([...train, '--memory', memory])
    expect(code).toBe(2)
    expect(stderr).toContain('--memory must be a number of MiB above 0')
  })
})
