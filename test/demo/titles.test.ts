import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MOST_BYTES } from '../../demo/engine/title-text.ts'
import { looksLikeTitles, readTitles, type Titles } from '../../demo/engine/titles.ts'
import { InputError } from '../../src/errors.ts'

const fileOf = (content: string | Uint8Array<ArrayBuffer>, name: string) => new File([content], name)
const latin1 = (text: string) => Uint8Array.from(text, character => character.charCodeAt(0))
const gzip = (content: string | Uint8Array) => new Uint8Array(gzipSync(content))
const bytes = (content: string) => new TextEncoder().encode(content)

function movie(titles: Titles, id: number | string) {
  const found = titles.of(id)
  return found && [found.title, ...found.genres.map(genre => titles.genres[genre])]
}

async function failure(file: File): Promise<InputError> {
  const error = await readTitles(file).then(
    titles => new Error(`read ${titles.size} titles`),
    (cause: unknown) => cause,
  )
  if (!(error instanceof InputError)) throw error
  return error
}

const flags = (...set: number[]) => Array.from({ length: 19 }, (_, at) => (set.includes(at) ? 1 : 0)).join('|')
const item = [
  `1|The Tin Orchard (1995)|01-Jan-1995||http://example.org/1|${flags(3, 5)}`,
  `2|L\u00e9on's Ferry (1994)|01-Jan-1994||http://example.org/2|${flags(8, 14, 17)}`,
  `3|unknown||||${flags(0)}`,
  `4|No Genre (1990)|01-Jan-1990|||${flags(0)}`,
].join('\n')
const dat =
  "1::The Tin Orchard (1995)::Animation|Comedy\n2::L\u00e9on's Ferry (1994)::Drama\n0003::Odd :: Title::War|Drama\n"
const csv = [
  'movieId,title,genres',
  '1,The Tin Orchard (1995),Animation|Comedy',
  '2,"Ferry, The (1994)",Drama',
  '3,"The ""Quoted"" One",(no genres listed)',
].join('\r\n')

describe('readTitles', () => {
  it('reads u.item', async () => {
    const titles = await readTitles(fileOf(latin1(item), 'u.item'))
    expect(titles).toMatchObject({ name: 'u.item', size: 3 })
    expect(movie(titles, 1)).toEqual(['The Tin Orchard (1995)', 'Animation', 'Comedy'])
    expect(movie(titles, '2')).toEqual(["L\u00e9on's Ferry (1994)", 'Drama', 'Romance', 'War'])
    expect(titles.of(3)).toBeUndefined()
    expect(movie(titles, 4)).toEqual(['No Genre (1990)'])
    expect(titles.genres).not.toContain('unknown')
  })

  it('reads movies.dat in both encodings', async () => {
    for (const content of [latin1(dat), bytes(dat), bytes(`\ufeff${dat}`)]) {
      const titles = await readTitles(fileOf(content, 'movies.dat'))
      expect(titles.size).toBe(3)
      expect(movie(titles, 1)).toEqual(['The Tin Orchard (1995)', 'Animation', 'Comedy'])
      expect(movie(titles, 2)).toEqual(["L\u00e9on's Ferry (1994)", 'Drama'])
      expect(movie(titles, '0003')).toEqual(['Odd :: Title', 'War', 'Drama'])
      expect(titles.of(3)).toBeUndefined()
    }
  })

  it('reads movies.csv, plain and in gzip', async () => {
    for (const content of [bytes(csv), gzip(csv)]) {
      const titles = await readTitles(fileOf(content, 'movies.csv'))
      expect(titles.size).toBe(3)
      expect(titles.genres).toEqual(['Animation', 'Comedy', 'Drama'])
      expect(movie(titles, 2)).toEqual(['Ferry, The (1994)', 'Drama'])
      expect(movie(titles, 3)).toEqual(['The "Quoted" One'])
    }
  })

  it('reads other tables by their header', async () => {
    const cases: [string, (string | undefined)[]][] = [
      ['ISBN;Book Title;Year\n7;A Name;1999\n', ['A Name']],
      ['name\titem_id\tcategory\nA Name\t7\tTools; Garden\n', ['A Name', 'Tools', 'Garden']],
      ['id|name|genre\n7|A Name|Rock\n', ['A Name', 'Rock']],
      ['"id","title","genres"\n7,"A\nName","[\'Rock\', \'Pop\']"\n', ['A Name', 'Rock', 'Pop']],
      [`id,title,genres\n7,A Name,"[{'id': 16, 'name': 'Pop'}]"\n`, ['A Name', 'Pop']],
      ['year,id,title\n\n1999,7,A Name\n', ['A Name']],
      ['id,title\r7,A Name\r', ['A Name']],
    ]
    for (const [content, expected] of cases) {
      expect(movie(await readTitles(fileOf(content, 'table.txt')), 7)).toEqual(expected)
    }
  })

  it('keeps the first of two titles of an id', async () => {
    const titles = await readTitles(fileOf('id,title\n7,First\n7,Second\n8,\n', 'x.csv'))
    expect([titles.size, movie(titles, 7), titles.of(8)]).toEqual([1, ['First'], undefined])
  })

  it('makes titles plain, short text', async () => {
    const hostile = `<b>\u202eEvil\u2066\u0007\u001b[31m\ttitle\u200b</b>`
    const titles = await readTitles(
      fileOf(
        `id\ttitle\tgenre\n1\t${hostile.replace('\t', ' ')}\tA\u202eB\n2\t${'\u{1f3ac}'.repeat(300)}\t${'g'.repeat(90)}`,
        'x.tsv',
      ),
    )
    expect(movie(titles, 1)).toEqual(['<b>Evil [31m title</b>', 'AB'])
    expect(titles.of(2)!.title).toBe('\u{1f3ac}'.repeat(200))
    expect(titles.genres[1]).toBe('g'.repeat(40))
    const property = fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 400 }), async text => {
      const cell = `x${text.replaceAll('"', '')}`
      const { title } = (await readTitles(fileOf(`id,title\n1,"${cell.replaceAll('\0', '')}"\n`, 'x.csv'))).of(1)!
      expect(title).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029]/u)
      expect(Array.from(title).length).toBeLessThanOrEqual(200)
    })
    await fc.assert(property, { seed: 1, numRuns: 200 })
  })

  it('tells at most 256 genres apart', async () => {
    const rows = Array.from({ length: 1000 }, (_, at) => `${at},Title ${at},genre ${at}`)
    const titles = await readTitles(fileOf(`id,title,genre\n${rows.join('\n')}`, 'x.csv'))
    expect([titles.size, titles.genres.length]).toEqual([1000, 256])
    expect([titles.of(255)!.genres, titles.of(256)!.genres]).toEqual([[255], []])
  })

  it('reads a table longer than one window of the parser', async () => {
    const line = (at: number) => `${at},"Title ""${at}"", of\nsome length","Drama|Genre ${at % 7}"`
    const rows = Array.from({ length: 40_000 }, (_, at) => line(at))
    const titles = await readTitles(fileOf(`id,title,genre\n${rows.join('\n')}\n`, 'x.csv'))
    expect(titles.size).toBe(40_000)
    for (let at = 0; at < 40_000; at += 997) {
      expect(movie(titles, at)).toEqual([`Title "${at}", of some length`, 'Drama', `Genre ${at % 7}`])
    }
    rows[39_000] = 'no title'
    expect(await failure(fileOf(`id,title,genre\n${rows.join('\n')}\n`, 'x.csv'))).toMatchObject({
      line: 2 + 2 * 39_000,
      text: 'no title',
    })
  })

  it('says where a row is wrong', async () => {
    const broken: [string, string, number, RegExp, string][] = [
      ['u.item', `${item}\n5|Cut off|01-Jan-1990`, 5, /expected 24 fields/, '5|Cut off|01-Jan-1990'],
      ['movies.dat', `${dat}4::No genres`, 4, /id, a title and genres with ::/, '4::No genres'],
      ['movies.csv', 'movieId,title\n\n1\n', 3, /"movieId" and "title" of the header/, '1'],
      ['movies.csv', 'movieId,title\n ,A Name\n', 2, /the id is empty/, ',A Name'],
      ['movies.csv', 'movieId,title\n1,"A\nName"\n2,"B" C\n', 4, /quote is out of place/, '2,"B" C'],
      ['movies.csv', 'movieId,title\n1,Fine\n2,"B\n3,C\n', 3, /quote is out of place/, '2,"B'],
    ]
    for (const [name, content, line, problem, text] of broken) {
      const error = await failure(fileOf(content, name))
      expect(error.message).toMatch(problem)
      expect(error).toMatchObject({ file: name, line, text })
    }
  })

  it('refuses what is no file of titles', async () => {
    const cases: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
      ['', /is empty/],
      ['\n\n', /no titles/],
      ['1\t2\t3\t4\n', /no titles; expected u.item/],
      ['userId,movieId,rating\n1,2,3\n', /no titles/],
      [Uint8Array.of(0x50, 0x4b, 3, 4, 5), /zip archive/],
      [bytes('PAR1....'), /Parquet/],
      [Uint8Array.of(0xff, 0xfe, 0x31, 0), /UTF-16/],
      ['id,title\n1,\0\n', /binary/],
      [gzip(csv).slice(0, 40), /cut off or damaged/],
      [gzip(csv).map((byte, at) => (at === 30 ? byte ^ 0xff : byte)), /cut off or damaged/],
    ]
    for (const [content, problem] of cases) {
      const error = await failure(fileOf(content, 'x'))
      expect(error.message).toMatch(problem)
      expect(error.file).toBe('x')
    }
  })

  it('refuses files that are too large, packed or not, and rows without an end', async () => {
    const large = new File([new Uint8Array(MOST_BYTES + 1)], 'large.csv')
    expect((await failure(large)).message).toMatch(/larger than 64 MiB/)
    const bomb = fileOf(gzip(new Uint8Array(MOST_BYTES + 1).fill(0x20)), 'bomb.csv.gz')
    expect((await failure(bomb)).message).toMatch(/larger than 64 MiB/)
    const endless = `id,title\n1,Fine\n2,"${'a"b\n'.repeat(2_000_000)}`
    const error = await failure(fileOf(endless, 'endless.csv'))
    expect(error.message).toMatch(/longer than 1048576 characters/)
    expect(error.line).toBe(3)
  })
})

describe('looksLikeTitles', () => {
  const titles: Record<string, string | Uint8Array> = {
    'u.item': item,
    'u.item in latin-1': latin1(item),
    'movies.dat': dat,
    'movies.csv': csv,
    'one line': 'id,title\n',
    'a table': 'ISBN;Book Title\n7;A Name\n',
  }
  const others: Record<string, string | Uint8Array> = {
    'u.data': '196\t242\t3\t881250949\n186\t302\t3\t891717742\n',
    'ratings.csv': 'userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n',
    'ratings.dat': '1::1074638::7::1365029107\n1::1853728::8::1366576639\n',
    'ratings of named items': 'u1::anvil::3\nu2::rope::-1.5\n',
    'ratings with titles': 'user,item,title,rating\n1,2,A Name,3\n',
    'users.dat': '1::F::1::10::48067\n2::M::56::16::70072\n',
    'an adjacency list': '0 148 2800 2079\n1 2793 1398\n',
    'names in an adjacency list': 'anna: rope anvil\n',
    'Matrix Market': '%%MatrixMarket matrix coordinate real general\n3 3 1\n1 1 5\n',
    'a comma list': 'anna,rope,3\nbert,anvil,4\n',
    Parquet: Uint8Array.from([0x50, 0x41, 0x52, 0x31, 0x15, 0, 0x15]),
    nothing: '',
  }

  it('takes titles, packed or not', async () => {
    for (const [name, content] of Object.entries(titles)) {
      const head = typeof content === 'string' ? bytes(content) : content
      expect([name, await looksLikeTitles(head)]).toEqual([name, true])
      expect([name, await looksLikeTitles(gzip(head))]).toEqual([name, true])
    }
  })

  it('leaves ratings alone, packed or not', async () => {
    for (const [name, content] of Object.entries(others)) {
      const head = typeof content === 'string' ? bytes(content) : content
      expect([name, await looksLikeTitles(head)]).toEqual([name, false])
      expect([name, await looksLikeTitles(gzip(head))]).toEqual([name, false])
    }
  })

  it('needs no more than the head of a file', async () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => `${at}::L\u00e9on ${Math.sqrt(at)} (1990)::Drama`)
    const all = bytes(rows.join('\n'))
    expect(await looksLikeTitles(all.slice(0, 1001))).toBe(true)
    expect(await looksLikeTitles(gzip(all).slice(0, 4096))).toBe(true)
    const ratings = Array.from({ length: 20_000 }, (_, at) => `${at},${(at * 7919) % 1000},3`)
    const packed = gzip(`userId,movieId,rating\n${ratings.join('\n')}`)
    expect(await looksLikeTitles(packed.slice(0, 4096))).toBe(false)
    expect(await looksLikeTitles(Uint8Array.of(0x1f, 0x8b, 1, 2, 3))).toBe(false)
  })
})
