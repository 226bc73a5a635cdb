// A vec4 of factors as the fused solver stores it: as it is, or as four halves in two words, which needs no feature of
// the device. Arithmetic is in f32 always.
//
// Halves are rounded stochastically: up with the probability of the part that is cut off, so that updates far below half
// a unit in the last place still add up in the mean (Gupta et al., Deep learning with limited numerical precision, 2015).
// The 13 random bits a number come from a hash of `noise`, so the same seed gives the same bits.

@if(!f16) fn unpack_factors(stored: vec4f) -> vec4f {
  return stored;
}

@if(!f16) fn pack_factors(factors: vec4f, noise: u32) -> vec4f {
  return factors;
}

@if(f16) fn unpack_factors(stored: vec2u) -> vec4f {
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}

@if(f16) fn pack_factors(factors: vec4f, noise: u32) -> vec2u {
  let one = mix_bits(noise);
  let two = mix_bits(one);
  // A half keeps 10 of the 23 bits of the fraction. Below 2^-14 it keeps fewer, and rounding there goes to the nearest.
  let drawn = vec4u(one, one >> 16, two, two >> 16) & vec4u(0x1fff);
  let cut = (bitcast<vec4u>(factors) + drawn) & vec4u(0xffffe000);
  // Past the largest half there is only infinity, which the check after each epoch finds.
  let rounded = select(bitcast<vec4f>(cut), factors, abs(factors) >= vec4f(65504.0));
  return vec2u(pack2x16float(rounded.xy), pack2x16float(rounded.zw));
}

// A bijection of 32-bit words that leaves no pattern (Wellons' lowbias32).
@if(f16) fn mix_bits(word: u32) -> u32 {
  var x = word;
  x = (x ^ (x >> 16)) * 0x21f0aaad;
  x = (x ^ (x >> 15)) * 0xd35a2d97;
  return x ^ (x >> 15);
}
