import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Failure, useProgram } from './program.ts'

const program = useProgram()

const good = 'user,item,rating\n1,10,3\n1,20,4\n2,10,5\n2,30,1\n3,20,2\n'

interface BadFile {
  name: string
  /** Absent: there is no such file. */
  contents?: string | Uint8Array
  words?: string[]
  line?: number
  text?: string
  message: RegExp
}

const badFiles: BadFile[] = [
  { name: 'missing.csv', message: /there is no such file/ },
  { name: 'good.csv/below.csv', message: /there is no such file/ },
  { name: 'folder', message: /is a directory/ },
  { name: 'empty.csv', contents: '', message: /the file is empty/ },
  { name: 'blank.csv', contents: '\n \n\n', message: /only empty lines/ },
  { name: 'header.csv', contents: 'user,item,rating\n', message: /holds no ratings below its header/ },
  {
    name: 'short.csv',
    contents: `${good}3,30\n${good}`,
    line: 7,
    text: '3,30',
    message: /expected 3 fields separated by a comma, found 2/,
  },
  {
    name: 'word.csv',
    contents: `${good}3,30,good\n`,
    line: 7,
    text: '3,30,good',
    message: /expected a number as rating, found "good"/,
  },
  { name: 'nan.csv', contents: `${good}3,30,NaN\n`, line: 7, text: '3,30,NaN', message: /not finite/ },
  {
    name: 'infinity.csv',
    contents: `${good}3,30,Infinity\n`,
    line: 7,
    text: '3,30,Infinity',
    message: /not finite|range/,
  },
  { name: 'large.csv', contents: `${good}3,30,1e39\n`, line: 7, text: '3,30,1e39', message: /range of a 32-bit float/ },
  {
    name: 'overflow.csv',
    contents: `${good}9007199254740993,30,1\n`,
    line: 7,
    text: '9007199254740993,30,1',
    message: /9007199254740993 is beyond the largest safe integer.*--ids string/,
  },
  { name: 'no-id.csv', contents: `${good},30,1\n`, line: 7, text: ',30,1', message: /the user id is empty/ },
  {
    name: 'names.csv',
    contents: good,
    words: ['--columns', 'user,movie,rating'],
    message: /no column "movie"; there are "user", "item"/,
  },
  { name: 'position.csv', contents: good, words: ['--columns', '1,2,4'], message: /no column "4"/ },
  { name: 'cut.csv.gz', contents: gzipSync(good.repeat(100)).subarray(0, -12), message: /cut off/ },
  { name: 'damaged.csv.gz', contents: damaged(gzipSync(good.repeat(100))), message: /damaged|cut off/ },
  { name: 'archive.zip', contents: Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0, 0, 0]), message: /is a zip archive/ },
  { name: 'binary.dat', contents: Uint8Array.from({ length: 64 }, (_, k) => k), message: /binary/ },
  {
    name: 'prose.txt',
    contents: 'Lorem\nipsum\ndolor\n',
    line: 1,
    text: 'Lorem',
    message: /expected user, item and rating/,
  },
  { name: 'text.parquet', contents: good, words: ['--format', 'parquet'], message: /the file is not Parquet/ },
  { name: 'cut.parquet', contents: 'PAR1....', message: /Parquet/ },
  {
    name: 'twice.csv',
    contents: `${good}1,10,2\n`,
    words: ['--duplicates', 'error'],
    message: /user 1 rates item 10 twice/,
  },
  { name: 'times.csv', contents: good, words: ['--test-split', 'last'], message: /each entry needs a time/ },
  { name: 'one.csv', contents: 'user,item,rating\n1,10,3\n', message: /1 entries cannot be split/ },
]

function damaged(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy.fill(0xff, 20, 40)
  return copy
}

describe.concurrent('ratings that are wrong', () => {
  it.each(badFiles)('$name', async ({ name, contents, words = [], line, text, message }) => {
    if (name === 'folder') mkdirSync(program.path(name))
    if (name.startsWith('good.csv')) writeFileSync(program.path('good.csv'), good)
    if (contents !== undefined) writeFileSync(program.path(name), contents)
    const { code, result, stderr } = await program.json<Failure>(['train', name, ...words])
    expect(result.error.message).toMatch(message)
    expect(result.error.code).toBe('INPUT')
    expect(code).toBe(3)
    if (line !== undefined) expect(result.error).toMatchObject({ file: name, line, text })
    expect(stderr).toContain(result.error.message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})

describe.concurrent('output that cannot be written', () => {
  it.each([
    ['nowhere/model.safetensors', /its folder does not exist/],
    ['taken', /is a directory/],
    ['plain.txt/model.safetensors', /its folder (is a file|does not exist)/],
  ])('%s is refused before the ratings are read', async (out, message) => {
    mkdirSync(program.path('taken'), { recursive: true })
    writeFileSync(program.path('plain.txt'), '')
    const { code, result } = await program.json<Failure>(['train', 'not-read.csv', '--out', out])
    expect(code).toBe(3)
    expect(result.error).toMatchObject({ code: 'OUTPUT', file: out })
    expect(result.error.message).toMatch(message)
  })
})

describe('model files that are wrong', () => {
  let whole: Uint8Array = new Uint8Array()

  beforeAll(async () => {
    writeFileSync(program.path('small.csv'), good)
    const { code, stderr } = await program.run([
      'train',
      'small.csv',
      '--epochs',
      '1',
      '--factors',
      '2',
      '--test-ratio',
      '0',
      '--out',
      'model.safetensors',
    ])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    whole = readFileSync(program.path('model.safetensors'))
  })

  it('are refused wherever they are cut', async () => {
    const headerEnd = 8 + Number(new DataView(whole.buffer, whole.byteOffset).getBigUint64(0, true))
    const cuts = [0, 5, 8, 40, headerEnd - 1, headerEnd, headerEnd + 10, whole.length - 1]
    await Promise.all(
      cuts.map(async cut => {
        const name = `cut-${cut}.safetensors`
        writeFileSync(program.path(name), whole.subarray(0, cut))
        const { code, result } = await program.json<Failure>(['predict', name, '--user', '1', '--item', '10'])
        expect({ cut, code, error: result.error }).toMatchObject({ cut, code: 3, error: { code: 'INPUT', file: name } })
        expect(result.error.message.startsWith(`${name}: `)).toBe(true)
      }),
    )
  })

  it('are refused by every command that takes one', async () => {
    writeFileSync(program.path('bad.safetensors'), whole.subarray(0, 100))
    for (const words of [
      ['evaluate', 'bad.safetensors', 'small.csv'],
      ['recommend', 'bad.safetensors', '--user', '1'],
      ['info', 'bad.safetensors'],
      ['predict', 'small.csv', '--user', '1', '--item', '10'],
      ['predict', 'missing.safetensors', '--user', '1', '--item', '10'],
    ]) {
      const { code, result } = await program.json<Failure>(words)
      expect({ words, code, error: result.error.code }).toEqual({ words, code: 3, error: 'INPUT' })
    }
  })

  it('pairs that are wrong name their line', async () => {
    writeFileSync(program.path('pairs.csv'), 'user,item\n1,10\n2\n')
    const { code, result } = await program.json<Failure>(['predict', 'model.safetensors', 'pairs.csv'])
    expect(code).toBe(3)
    expect(result.error).toMatchObject({ code: 'INPUT', file: 'pairs.csv', line: 3, text: '2' })
  })

  it('a user that the model does not know gets no recommendations', async () => {
    const { code, result } = await program.json<Failure>(['recommend', 'model.safetensors', '--user', '77'])
    expect(code).toBe(3)
    expect(result.error.message).toMatch(/does not know the user "77"/)
  })

  it('nothing is left behind', () => {
    expect(readdirSync(program.folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})
