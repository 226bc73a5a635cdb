// Random words without a state: each is a hash of what it is for, so that any invocation can draw any of them, and the
// same seed gives the same ones.

// A bijection of 32-bit words that leaves no pattern (Wellons' lowbias32).
fn scrambled(word: u32) -> u32 {
  var x = word;
  x = (x ^ (x >> 16)) * 0x21f0aaad;
  x = (x ^ (x >> 15)) * 0xd35a2d97;
  return x ^ (x >> 15);
}

// The word for a purpose, from the word of what the purpose belongs to.
fn drawn(key: u32, purpose: u32) -> u32 {
  return scrambled(key + (purpose + 1) * 0x9e3779b1);
}

// What stands at `position` in the random order of 0 to length - 1 that belongs to `key`: a bijection of the words below
// the next power of two, applied until it comes to one below `length` (Kensler, Correlated multi-jittered sampling, 2013).
fn permuted(position: u32, length: u32, key: u32) -> u32 {
  let mask = select(0u, 0xffffffffu >> countLeadingZeros(length - 1), length > 1);
  var x = position;
  loop {
    x = (x ^ key) * 0xe170893d;
    x ^= key >> 16;
    x ^= (x & mask) >> 4;
    x = (x ^ (key >> 8)) * 0x0929eb3f;
    x ^= key >> 23;
    x ^= (x & mask) >> 1;
    x *= (1 | (key >> 27)) * 0x6935fa69;
    x = (x ^ ((x & mask) >> 11)) * 0x74dcb303;
    x = (x ^ ((x & mask) >> 2)) * 0x9e501cc3;
    x = (x ^ ((x & mask) >> 2)) * 0xc860a3df;
    x &= mask;
    x ^= x >> 5;
    if (x < length) {
      break;
    }
  }
  return (x + key % length) % length;
}
