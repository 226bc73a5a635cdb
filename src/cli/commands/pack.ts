import { type Command, Option } from 'commander'
import { writeMerged } from '../../node/write-packed.ts'
import { elapsed } from '../clock.ts'
import { bytes as inBytes, seconds } from '../format.ts'
import { checkWritable } from '../out-file.ts'
import { addReadFlags, readInput } from '../read-flags.ts'
import { perform, type Run, type Session } from '../session.ts'
import { fileValue } from '../values.ts'

export function addPack(program: Command, session: Session): void {
  const command = program
    .command('pack')
    .argument('<ratings>', 'ratings file, folder of parts such as part-*.parquet, or quoted glob of files')
    .description('read ratings once, and keep them in a file that every command opens at once')
    .addOption(
      new Option('--out <file>', 'packed file to write, such as ratings.lrp (required)')
        .argParser(fileValue('--out'))
        .makeOptionMandatory(),
    )
  addReadFlags(command)
  command.action(perform(session, pack))
}

const pack: Run = async (session, command) => {
  const began = performance.now()
  const { out } = command.opts<{ out: string }>()
  await checkWritable(out)
  const file = command.args[0]!
  const { ratings, skipped, merged, duplicates } = await readInput(session, command, file)
  const read = elapsed(began)
  const writing = performance.now()
  const bytes = await writeMerged(out, ratings, duplicates, session.signal)
  const write = elapsed(writing)
  session.terminal.say(`wrote ${out} (${inBytes(bytes)}, ${seconds(write)})`)
  return {
    file,
    out,
    entries: ratings.length,
    users: ratings.userCount,
    items: ratings.itemCount,
    ids: { users: ratings.userIds.kind, items: ratings.itemIds.kind },
    times: ratings.times !== undefined,
    duplicates,
    rows: { skipped, merged },
    bytes,
    seconds: { read, write, total: elapsed(began) },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }
}
