import { type Command, Help } from 'commander'

/** Columns of a help text at most. */
const widest = 100

/** Columns of the names at most; a longer name stands on a line of its own. */
const nameColumns = 31

/** Lays out the help of a command: names on the left, what they mean on the right, and most of the width for the latter. */
export function layOutHelp(command: Command): void {
  command.configureHelp({
    helpWidth: Math.min(widest, process.stdout.columns ?? widest),
    padWidth: (described, helper) => Math.min(nameColumns, Help.prototype.padWidth.call(helper, described, helper)),
    subcommandTerm: described =>
      `${described.name()} ${described.usage().replace('[options]', '')}`.replace(/ +/g, ' ').trim(),
    formatItem(term, termWidth, description, helper) {
      const format = (name: string) => Help.prototype.formatItem.call(helper, name, termWidth, description, helper)
      return helper.displayWidth(term) <= termWidth ? format(term) : `  ${term}\n${format('')}`
    },
  })
}
