/** Whether text holds characters by which a glob stands for several names. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text)
}

interface Token {
  /** Whether any number of characters match, or else one. */
  many: boolean
  matches(character: string): boolean
}

/**
 * Whether a name fits a glob: `*` is any number of characters, `?` is one, `[a-c]` one of some, `[!a-c]` none of them.
 * A name that begins with a dot or an underscore has to be spelled out. O(name * glob), whatever they hold.
 */
export function fitsGlob(name: string, glob: string): boolean {
  if (/^[._]/.test(name) && name[0] !== glob[0]) return false
  const tokens = tokensOf(glob)
  const characters = [...name]
  let [at, token] = [0, 0]
  // Where the last star stands, and how far it reaches so far: on a mismatch it takes one character more.
  let [star, reach] = [-1, 0]
  while (at < characters.length) {
    const next = tokens[token]
    if (next?.many === true) {
      star = token++
      reach = at
    } else if (next?.matches(characters[at]!) === true) {
      at++
      token++
    } else if (star >= 0) {
      token = star + 1
      at = ++reach
    } else return false
  }
  return tokens.slice(token).every(({ many }) => many)
}

function tokensOf(glob: string): Token[] {
  const tokens: Token[] = []
  const characters = [...glob]
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!
    const close = character === '[' ? characters.indexOf(']', at + 2) : -1
    if (character === '*') tokens.push({ many: true, matches: () => true })
    else if (character === '?') tokens.push({ many: false, matches: () => true })
    else if (close > 0) {
      tokens.push({ many: false, matches: setOf(characters.slice(at + 1, close)) })
      at = close
    } else tokens.push({ many: false, matches: other => other === character })
  }
  return tokens
}

function setOf(inside: readonly string[]): (character: string) => boolean {
  const without = inside[0] === '!' && inside.length > 1
  const members = without ? inside.slice(1) : inside
  const ranges: [string, string][] = []
  for (let at = 0; at < members.length; at++) {
    const range = members[at + 1] === '-' && at + 2 < members.length
    ranges.push([members[at]!, members[range ? at + 2 : at]!])
    if (range) at += 2
  }
  return character => ranges.some(([from, to]) => from <= character && character <= to) !== without
}
