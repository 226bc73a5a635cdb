import { pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { RawId } from '../data/ids.ts'
import { OutputError } from '../errors.ts'
import type { Recommendation } from '../model/model.ts'
import type { ModelParts } from '../model/parts.ts'
import { replaceFile, writeFileWhole } from '../node/write-file.ts'
import { csvField, single } from './format.ts'
import { checkWritable } from './out-file.ts'

/** What is recommended to a user, best first. */
export interface RecommendedList {
  user: RawId
  items: readonly Recommendation[]
}

/**
 * Looks whether recommendations can be written at `path` before they are computed.
 * @throws OutputError
 */
export async function checkRecommendationFile(path: string): Promise<void> {
  if (/\.zst$/i.test(path)) {
    throw new OutputError('cannot be written: Zstandard is only read; write .csv, .csv.gz or .parquet', path)
  }
  await checkWritable(path)
}

/**
 * Writes columns user, item, rank and prediction as they come, as Parquet where the name ends in `.parquet`, otherwise as
 * csv, compressed where it ends in `.gz`: a whole file or nothing. What `lists` throws passes unchanged.
 * @throws OutputError
 */
export async function writeRecommendations(
  path: string,
  ids: Pick<ModelParts, 'userIds' | 'itemIds'>,
  lists: AsyncIterable<RecommendedList>,
): Promise<void> {
  if (/\.parquet$/i.test(path)) {
    const { floatColumn, idColumn, integerColumn, writeTable } = await import('../node/ingest/write-parquet.ts')
    const columns = [
      idColumn('user', ids.userIds, (rows: Rows) => rows.users),
      idColumn('item', ids.itemIds, (rows: Rows) => rows.items),
      integerColumn('rank', (rows: Rows) => rows.ranks),
      floatColumn('prediction', (rows: Rows) => rows.predictions),
    ]
    await replaceFile(path, temporary => writeTable(temporary, columns, batches(lists, ids), path))
    return
  }
  const text = csvPieces(lists)
  // Errors of the text pass on through the gzip stream, which the pipeline destroys with them.
  const bytes = /\.gz$/i.test(path) ? pipeline(text, createGzip({ level: 4 }), () => {}) : text
  await writeFileWhole(path, bytes)
}

const pieceLength = 1 << 16

async function* csvPieces(lists: AsyncIterable<RecommendedList>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  let text = 'user,item,rank,prediction\n'
  for await (const { user, items } of lists) {
    const field = csvField(user)
    for (const [at, { item, prediction }] of items.entries()) {
      text += `${field},${csvField(item)},${at + 1},${single(prediction)}\n`
    }
    if (text.length < pieceLength) continue
    yield encoder.encode(text)
    text = ''
  }
  yield encoder.encode(text)
}

interface Rows {
  length: number
  /** Dense indices. */
  users: Uint32Array
  items: Uint32Array
  ranks: Int32Array
  predictions: Float32Array
}

/** The lists as rows, some at a time; a batch is valid until the next one. */
async function* batches(
  lists: AsyncIterable<RecommendedList>,
  { userIds, itemIds }: Pick<ModelParts, 'userIds' | 'itemIds'>,
): AsyncGenerator<Rows> {
  const rows: Rows = {
    length: 0,
    users: new Uint32Array(pieceLength),
    items: new Uint32Array(pieceLength),
    ranks: new Int32Array(pieceLength),
    predictions: new Float32Array(pieceLength),
  }
  for await (const { user, items } of lists) {
    const index = userIds.indexOf(user)
    for (const [at, { item, prediction }] of items.entries()) {
      const row = rows.length++
      rows.users[row] = index
      rows.items[row] = itemIds.indexOf(item)
      rows.ranks[row] = at + 1
      rows.predictions[row] = prediction
      if (rows.length < pieceLength) continue
      yield rows
      rows.length = 0
    }
  }
  yield rows
}
