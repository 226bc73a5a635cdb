import { expect, it } from 'vitest'
import { flagTable } from '../../src/cli/train-flags.ts'

it('documents every option of a training as the schema has it', async () => {
  const rows = flagTable().map(
    ({ flag, about }) => `| \`${flag.replaceAll('|', '\\|')}\` | ${about.replaceAll('|', '\\|')} |`,
  )
  const page = [
    '# Options of a training',
    '',
    'In the library the names are in camel case: `--batch-size` is `batchSize`. Made from the schema in',
    '`src/train/options-schema.ts`; refresh it with `npm run docs:options`.',
    '',
    '| flag | meaning |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n')
  await expect(page).toMatchFileSnapshot('../../docs/options.md')
})
