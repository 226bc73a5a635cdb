import { InputError } from '../../errors.ts'

/** @throws InputError on a big-endian machine: the columns of a packed file lie in memory as they lie in the file. */
export function requireLittleEndian(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    throw new InputError('packed ratings are little-endian; this machine is big-endian, which is not supported')
  }
}
