import { type IdTable, type RawId, UNKNOWN } from '../data/ids.ts'

/** 1 for each row that may not appear; undefined where all may. */
export function deniedRows(
  ids: IdTable,
  { include, exclude }: { include?: Iterable<RawId> | undefined; exclude?: Iterable<RawId> | undefined },
): Uint8Array | undefined {
  if (include === undefined && exclude === undefined) return undefined
  const denied = new Uint8Array(ids.size).fill(Number(include !== undefined))
  const mark = (id: RawId, value: number) => {
    const index = ids.indexOf(id)
    if (index !== UNKNOWN) denied[index] = value
  }
  for (const id of include ?? []) mark(id, 0)
  for (const id of exclude ?? []) mark(id, 1)
  return denied
}
