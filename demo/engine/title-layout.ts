/** How a file of titles is laid out. */
export interface TitleLayout {
  delimiter: string
  /** Whether fields may stand in double quotes. */
  quoted: boolean
  /** Lines before the first title. */
  headerLines: 0 | 1
  /**
   * Takes a row apart; undefined where it is none of this layout.
   * @param fields as they stand between the delimiters
   */
  read(fields: readonly string[]): { id: string; title: string; genres: string[] } | undefined
  /** What a row should hold, for errors. */
  expected: string
}

/** Splits a line into fields, minding quotes. */
export type SplitLine = (line: string, delimiter: string) => readonly string[]

/** The flags at the end of a line of MovieLens 100K's `u.item`, in their order. */
const FLAGS = [
  ...[
    'unknown',
    'Action',
    'Adventure',
    'Animation',
    "Children's",
    'Comedy',
    'Crime',
    'Documentary',
    'Drama',
    'Fantasy',
  ],
  ...['Film-Noir', 'Horror', 'Musical', 'Mystery', 'Romance', 'Sci-Fi', 'Thriller', 'War', 'Western'],
]

const FLAGGED_FIELDS = 5 + FLAGS.length

const flagged: TitleLayout = {
  delimiter: '|',
  quoted: false,
  headerLines: 0,
  expected: `${FLAGGED_FIELDS} fields with | between them: an id, a title, two dates, an address and ${FLAGS.length} flags of 0 or 1`,
  read(fields) {
    const flags = fields.slice(5)
    if (fields.length !== FLAGGED_FIELDS || flags.some(flag => flag !== '0' && flag !== '1')) return undefined
    return { id: fields[0]!, title: fields[1]!, genres: FLAGS.filter((_, at) => flags[at] === '1') }
  },
}

const doubleColon: TitleLayout = {
  delimiter: '::',
  quoted: false,
  headerLines: 0,
  expected: 'an id, a title and genres with :: between them',
  read(fields) {
    if (fields.length < 3) return undefined
    // A title may hold the delimiter itself.
    return { id: fields[0]!, title: fields.slice(1, -1).join('::'), genres: genresOf(fields.at(-1)!) }
  },
}

const ID_NAMES = [
  ...['itemid', 'movieid', 'filmid', 'productid', 'bookid', 'trackid', 'songid', 'artistid', 'animeid', 'gameid'],
  ...['showid', 'businessid', 'asin', 'parentasin', 'isbn', 'tconst', 'id', 'iid', 'imdbid', 'tmdbid'],
  ...['item', 'movie', 'film', 'product', 'book'],
]
const TITLE_NAMES = [
  ...['title', 'name', 'itemtitle', 'itemname', 'movietitle', 'moviename', 'primarytitle', 'filmtitle', 'filmname'],
  ...['producttitle', 'productname', 'booktitle', 'bookname', 'trackname', 'songname', 'artistname', 'gamename'],
]
const GENRE_NAMES = ['genres', 'genre', 'categories', 'category', 'maincategory']
const USER_NAMES = ['userid', 'user', 'uid', 'reviewerid', 'customerid', 'customer', 'memberid', 'member']

function table(names: readonly string[], delimiter: string): TitleLayout | undefined {
  const plain = names.map(name => name.toLowerCase().replace(/[^a-z0-9]/g, ''))
  const columnOf = (usual: readonly string[]) => plain.indexOf(usual.find(name => plain.includes(name)) ?? '-')
  const [id, title, genre, user] = [ID_NAMES, TITLE_NAMES, GENRE_NAMES, USER_NAMES].map(columnOf) as [
    ...[number, number, number, number],
  ]
  if (id < 0 || title < 0 || user >= 0) return undefined
  return {
    delimiter,
    quoted: true,
    headerLines: 1,
    expected: `at least ${Math.max(id, title) + 1} fields, among them "${names[id]}" and "${names[title]}" of the header`,
    read(fields) {
      if (fields.length <= Math.max(id, title)) return undefined
      return { id: fields[id]!, title: fields[title]!, genres: genresOf(fields[genre] ?? '') }
    },
  }
}

/** Names in a cell: with | between them, or commas or semicolons, or quoted in a list or in records. */
function genresOf(cell: string): string[] {
  if (cell.startsWith('[')) return quotedValues(cell)
  return cell.split(cell.includes('|') ? '|' : /[,;]/)
}

/** What stands in quotes and is no key of a record. */
const quotedValues = (cell: string) =>
  Array.from(cell.matchAll(/(["'])((?:(?!\1).)+)\1(\s*:)?/g))
    .filter(([, , , colon]) => colon === undefined)
    .map(([, , value]) => value!)

/**
 * The layout of a file by its first lines; undefined where they are not of a file of titles.
 * @param lines that are not empty
 */
export function titleLayout(lines: readonly string[], split: SplitLine): TitleLayout | undefined {
  const first = lines[0]
  if (first === undefined) return undefined
  if (mostly(lines, line => flagged.read(line.split('|')) !== undefined)) return flagged
  if (mostly(lines, line => isTitleRow(line.split('::')))) return doubleColon
  for (const delimiter of ['\t', ',', ';', '|']) {
    const found = table(split(first, delimiter), delimiter)
    if (found !== undefined) return found
  }
  return undefined
}

/** An id, words and genres: the last field of ratings and of users is a number or a postal code. */
const isTitleRow = (fields: readonly string[]) =>
  fields.length >= 3 && /\p{L}/u.test(fields[1]!) && !/^\s*[-+.\d]/.test(fields.at(-1)!)

const mostly = (lines: readonly string[], holds: (line: string) => boolean) =>
  2 * lines.filter(holds).length > lines.length
