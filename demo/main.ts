import { type EpochReport, fit, Gpu, globalMeanErrors, plantedRatings, splitRandom } from '../src/index.ts'

const element = <Kind extends Element>(id: string) => document.getElementById(id) as unknown as Kind
const button = element<HTMLButtonElement>('train')

try {
  const gpu = await Gpu.open()
  const { adapter } = gpu.capabilities
  const name = [adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(' ')
  element('adapter').textContent = `GPU: ${name}${adapter.software ? ' (software: slow, but right)' : ''}`
  button.disabled = false
  button.addEventListener('click', () => {
    button.disabled = true
    train(gpu, adapter.software)
      .catch(showError)
      .finally(() => {
        button.disabled = false
      })
  })
} catch (error) {
  showError(error)
}

async function train(gpu: Gpu, small: boolean): Promise<void> {
  const shape = small ? { users: 600, items: 400, entries: 40_000 } : { users: 6040, items: 3706, entries: 1_000_000 }
  const planted = plantedRatings({ ...shape, seed: 1 })
  const { train, test } = splitRandom(planted.ratings, { ratio: 0.1, seed: 1 })
  const losses: number[] = []
  const onEpoch = (report: EpochReport) => {
    losses.push(report.trainLoss)
    drawLosses(losses)
    element('progress').textContent = `Epoch ${report.epoch}: mean squared error ${report.trainLoss.toFixed(4)}`
  }
  const { model } = await fit(gpu, train, { factors: 16, epochs: 20, onEpoch })
  fillTable('errors', [
    ['Global mean', globalMeanErrors(train, test).rmse.toFixed(4)],
    ['This model', (await model.evaluate(test)).rmse.toFixed(4)],
    ['Noise floor, which nobody can beat', planted.noiseFloor(test).toFixed(4)],
  ])
  const user = train.userIds.at(0)
  const best = await model.recommend(user, { k: 10 })
  element('best').querySelector('caption')!.textContent = `Ten items for user ${user}`
  fillTable(
    'best',
    best.map(({ item, prediction }) => [`Item ${item}`, prediction.toFixed(2)]),
  )
  model.destroy()
}

function drawLosses(losses: number[]): void {
  const high = Math.max(...losses)
  const low = Math.min(...losses)
  const points = losses.map((loss, epoch) => {
    const x = 10 + (580 * epoch) / Math.max(1, losses.length - 1)
    return `${x},${190 - (180 * (loss - low)) / Math.max(1e-9, high - low)}`
  })
  element('line').setAttribute('points', points.join(' '))
}

function fillTable(id: string, rows: string[][]): void {
  const table = element<HTMLTableElement>(id)
  table.hidden = false
  table.tBodies[0]!.replaceChildren(
    ...rows.map(cells => {
      const row = document.createElement('tr')
      row.append(...cells.map(text => Object.assign(document.createElement('td'), { textContent: text })))
      return row
    }),
  )
}

function showError(error: unknown): void {
  element('adapter').textContent = error instanceof Error ? error.message : String(error)
}
