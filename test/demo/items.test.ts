import { describe, expect, it } from 'vitest'
import { predictionHint, predictionName, predictionText } from '../../demo/page/items.ts'

describe('predictions', () => {
  it('are ratings of an explicit model, and scores of others', () => {
    expect(predictionText(4.449, 'explicit')).toBe('4.4')
    expect(predictionText(0.012345, 'implicit')).toBe('0.0123')
    expect(predictionText(-2.71, 'bpr')).toBe('-2.71')
    expect(predictionName('explicit')).toBe('Predicted rating')
    expect(predictionName('bpr')).toBe('Score')
  })

  it('come with the scale that they are on, where it is one', () => {
    const range = { min: 0.5, max: 5 }
    expect(predictionHint({ kind: 'explicit', range })).toMatch(/from 0\.5 to 5\./)
    expect(predictionHint({ kind: 'explicit', range: { min: -1.609, max: 9.127 } })).not.toMatch(/from/)
    expect(predictionHint({ kind: 'explicit' })).not.toMatch(/from/)
    expect(predictionHint({ kind: 'implicit', range })).toMatch(/no rating/)
  })
})
