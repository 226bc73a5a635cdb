/** The two sums over (x_0, y_0), (x_1, y_1), ... */
export function sumPairs(pairs: ArrayLike<number>): [number, number] {
  let x = 0
  let y = 0
  for (let pair = 0; pair < pairs.length; pair += 2) {
    x += pairs[pair]!
    y += pairs[pair + 1]!
  }
  return [x, y]
}
