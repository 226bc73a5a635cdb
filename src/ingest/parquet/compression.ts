import type { CompressionCodec } from 'hyparquet'
import { snappyUncompress } from 'hyparquet/src/snappy.js'
import { gunzipTo } from '../gzip.ts'
import { unzstdTo } from '../zstd.ts'

/** Bytes of a page that are believed: writers make pages of about 1 MiB, DuckDB of up to 100 MB. */
export const LARGEST_PAGE = 1 << 28

export const CODECS: readonly CompressionCodec[] = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD']

/** Decompresses a page of `size` bytes, which is at most `LARGEST_PAGE`. @throws Error where it is damaged. */
export function decompressPage(codec: CompressionCodec, bytes: Uint8Array, size: number): Uint8Array {
  switch (codec) {
    case 'UNCOMPRESSED':
      if (bytes.length !== size) throw new Error('a page has another size')
      return bytes
    case 'SNAPPY': {
      const page = new Uint8Array(size)
      snappyUncompress(bytes, page)
      return page
    }
    case 'GZIP':
      return gunzipTo(bytes, size)
    case 'ZSTD':
      return unzstdTo(bytes, size)
    default:
      throw new Error(`${codec} is not supported`)
  }
}
