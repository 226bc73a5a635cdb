import type { ParseResult } from 'papaparse'
import { InputError } from '../../src/index.ts'
import { type TitleLayout, titleLayout } from './title-layout.ts'
import { type Titles, TitleTable } from './title-table.ts'
import { firstLines, nonEmptyLines, shown, textOf } from './title-text.ts'

export type { Titles } from './title-table.ts'

/** Lines that decide what a file is. */
const SAMPLE = 30

/** Characters that are parsed at once; a row of this length is none. */
const WINDOW = 1 << 20

const LONGEST_GENRE = 40

const MOST_GENRES_OF_A_MOVIE = 12

/** How files say that a genre or a title is not known. */
const NOTHING = new Set(['', '\\N', 'unknown', '(no genres listed)'])

type Parser = typeof import('papaparse')

const loadParser = async (): Promise<Parser> => {
  const { default: parser } = await import('papaparse')
  return parser
}

const splitBy = (parser: Parser) => (line: string, delimiter: string) =>
  parser.parse<string[]>(line, { delimiter, newline: '\n' }).data[0] ?? []

/**
 * Reads titles of items: MovieLens' `u.item`, `movies.dat` and `movies.csv`, and any delimited text with a header that
 * names an id and a title, perhaps genres; plain or in gzip, in UTF-8 or latin-1, at most 64 MiB.
 *
 * Titles and genres are without control characters and marks of direction, and cut. Of two titles of one id the first
 * holds; a row without a title names nothing.
 * @throws InputError with file, line and text where the file or a row of it is something else
 */
export async function readTitles(file: File): Promise<Titles> {
  const text = await textOf(file)
  const parser = await loadParser()
  const sample = nonEmptyLines(text, SAMPLE)
  const layout = titleLayout(sample, splitBy(parser))
  if (layout === undefined) {
    throw new InputError(
      'these are no titles; expected u.item, movies.dat or movies.csv of MovieLens, or a header with an id and a title',
      { file: file.name, line: lineOf(text, sample[0] ?? ''), text: shown(sample[0] ?? '') },
    )
  }
  const titles = new TitleTable(file.name)
  let headerLines: number = layout.headerLines
  eachRow(parser, text, layout, file.name, (fields, line) => {
    if (fields.length === 1 && fields[0]!.trim() === '') return
    if (headerLines-- > 0) return
    const row = layout.read(fields)
    if (row === undefined) throw rowError(`expected ${layout.expected}`, text, line, file.name)
    const id = row.id.trim()
    if (id === '') throw rowError('the id is empty', text, line, file.name)
    const title = shown(row.title)
    if (!NOTHING.has(title)) titles.add(id, title, cleanGenres(row.genres))
  })
  return titles
}

function cleanGenres(genres: readonly string[]): string[] {
  const names = genres.slice(0, MOST_GENRES_OF_A_MOVIE).map(genre => shown(genre, LONGEST_GENRE))
  return names.filter(name => !NOTHING.has(name))
}

/** Calls `onRow` with the fields of each row and the number of its first line, from 1. */
function eachRow(
  parser: Parser,
  text: string,
  { delimiter, quoted }: TitleLayout,
  file: string,
  onRow: (fields: readonly string[], line: number) => void,
): void {
  let line = 1
  parser.parse<string[]>(text, {
    delimiter,
    newline: '\n',
    fastMode: quoted ? undefined : true,
    chunkSize: WINDOW,
    chunk: ({ data, errors, meta }: ParseResult<string[]>) => {
      // Errors in the row that goes on in the next window come again with the whole of it.
      const error = errors.find(({ row }) => row !== undefined && row < data.length)
      data.forEach((fields, row) => {
        if (row === error?.row) throw rowError(`a quote is out of place: ${error.message}`, text, line, file)
        onRow(fields, line)
        for (const field of fields) line += occurrences(field, '\n')
        line++
      })
      if (data.length === 0 && meta.cursor < text.length) {
        throw rowError(`the row is longer than ${WINDOW} characters, as where a quote is not closed`, text, line, file)
      }
    },
    complete: () => undefined,
  })
}

function occurrences(text: string, part: string): number {
  let count = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) count++
  return count
}

function rowError(problem: string, text: string, line: number, file: string): InputError {
  let start = 0
  for (let before = 1; before < line; before++) start = text.indexOf('\n', start) + 1
  const feed = text.indexOf('\n', start)
  return new InputError(problem, { file, line, text: shown(text.slice(start, feed < 0 ? text.length : feed)) })
}

const lineOf = (text: string, line: string) => occurrences(text.slice(0, text.indexOf(line)), '\n') + 1

/**
 * Whether a file holds titles rather than ratings.
 * @param head its first bytes, packed or not; 64 KiB are plenty
 */
export async function looksLikeTitles(head: Uint8Array): Promise<boolean> {
  const lines = await firstLines(head, SAMPLE)
  return lines.length > 0 && titleLayout(lines, splitBy(await loadParser())) !== undefined
}
