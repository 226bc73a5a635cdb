import { expect, it } from 'vitest'
import { looksLikeTitles, readTitles } from '../../demo/engine/titles.ts'
import { InputError } from '../../src/index.ts'

// The streams and decoders of a browser, where the tests of test/demo/ have those of Node.

const rows = Array.from({ length: 3000 }, (_, at) => `${at},"L\u00e9on, ${at} (1990)",Drama|War`)
const csv = `movieId,title,genres\n${rows.join('\n')}\n`

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

it('reads titles in a page, plain, in latin-1 and in gzip', async () => {
  const latin1 = Uint8Array.from(csv, character => character.charCodeAt(0))
  for (const content of [csv, latin1, await gzip(csv)]) {
    const titles = await readTitles(new File([content], 'movies.csv'))
    expect([titles.size, titles.genres]).toEqual([3000, ['Drama', 'War']])
    expect(titles.of(2999)).toEqual({ title: 'L\u00e9on, 2999 (1990)', genres: [0, 1] })
  }
})

it('refuses gzip that is cut off or damaged', async () => {
  const whole = await gzip(csv)
  const damaged = whole.map((byte, at) => (at === 200 ? byte ^ 0xff : byte))
  for (const content of [whole.slice(0, whole.length - 9), damaged]) {
    const failure = readTitles(new File([content], 'movies.csv.gz'))
    await expect(failure).rejects.toThrow(InputError)
    await expect(failure).rejects.toThrow('movies.csv.gz: the gzip data is cut off or damaged')
  }
})

it('sniffs the head of a file in a page', async () => {
  expect(await looksLikeTitles((await gzip(csv)).slice(0, 4000))).toBe(true)
  expect(await looksLikeTitles(await gzip('userId,movieId,rating\n1,2,3\n'))).toBe(false)
})
