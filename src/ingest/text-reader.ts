import { AdjacencyReader } from './adjacency-reader.ts'
import { detectDialect } from './dialect.ts'
import type { IdReader } from './entry-reader.ts'
import { LibmfReader } from './libmf-reader.ts'
import { MatrixReader } from './matrix-reader.ts'
import { isNetflix, NetflixReader } from './netflix-reader.ts'
import { checkTableOptions, type ReadFormat, type ReadSettings } from './options.ts'
import { RowReader } from './row-reader.ts'
import { commonest, type SampleLine, sampleLines } from './sample.ts'
import { decodeLoosely } from './text.ts'

/**
 * The reader for a text file, by the options and its first lines.
 * @param head the first bytes, without a byte order mark
 * @param whole whether `head` is all there is
 * @throws InputError where they hold no ratings, OptionError where options contradict each other.
 */
export function textReader(
  head: Uint8Array,
  whole: boolean,
  settings: ReadSettings,
  file: string,
): IdReader | MatrixReader {
  const sample = sampleLines(head, whole, file)
  const format = settings.format === 'auto' ? foundFormat(sample, settings) : settings.format
  checkTableOptions(format, settings)
  switch (format) {
    case 'adjacency':
      return new AdjacencyReader(file, settings)
    case 'libmf':
      return new LibmfReader(file, settings)
    case 'netflix':
      return new NetflixReader(file, settings)
    case 'mtx':
      return new MatrixReader(file, settings)
    default:
      return new RowReader(file, detectDialect(sample, settings, file), settings)
  }
}

function foundFormat(sample: readonly SampleLine[], { delimiter, columns, header }: ReadSettings): ReadFormat {
  if (/^%%MatrixMarket\s/i.test(decodeLoosely(sample[0]!.bytes.subarray(0, 40)))) return 'mtx'
  if (isNetflix(sample)) return 'netflix'
  const table = delimiter !== undefined || columns !== undefined || header === true
  return !table && isAdjacency(sample) ? 'adjacency' : 'auto'
}

/**
 * Whether lines are users with their items: nothing but integers, in numbers that differ from line to line as those of
 * no table with a few bad lines do, and most lines not as long as one of a table of ratings, with times or without.
 */
function isAdjacency(sample: readonly SampleLine[]): boolean {
  const counts: number[] = []
  for (const { bytes } of sample) {
    const line = decodeLoosely(bytes)
    if (!/^[\d \t]+$/.test(line)) return false
    counts.push(line.trim().split(/[ \t]+/).length)
  }
  const usual = commonest(counts)
  const asLong = (wanted: (count: number) => boolean) => counts.filter(wanted).length
  return (
    2 * asLong(count => count === usual) <= counts.length &&
    2 * asLong(count => count === 3 || count === 4) < counts.length
  )
}
