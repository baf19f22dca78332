/** What streams and gRPC put around each message: a byte of flags, four of length. Right ones, and such as nobody should send. */
import fc, { type Arbitrary } from 'fast-check';

const HEAD_BYTES = 5;
const FLAGS = [0x00, 0x01, 0x02, 0x03, 0x04, 0x80, 0x81, 0xff] as const;
const WRONG_BY = [-1, 1, -5, 5, 1_000] as const;
const HUGE = [1024 * 1024 + 1, 4 * 1024 * 1024 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1] as const;

export function envelope(data: Uint8Array, flags = 0, length = data.length): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, data]);
}

/** With flags that nobody knows, of another length, cut off, none, two, and one with something behind it. */
export function arbitraryEnvelopes(message: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  const right = message.map((data) => envelope(data));
  const rubbish = fc.uint8Array({ minLength: 1, maxLength: 20 });
  return fc.oneof(
    right,
    fc.tuple(message, fc.constantFrom(...FLAGS)).map(([data, flags]) => envelope(data, flags)),
    fc
      .tuple(message, fc.constantFrom(...WRONG_BY))
      .map(([data, by]) => envelope(data, 0, Math.max(0, data.length + by))),
    fc.tuple(message, fc.constantFrom(...HUGE)).map(([data, length]) => envelope(data, 0, length)),
    fc.tuple(right, fc.double({ min: 0, max: 1, noNaN: true })).map(([all, at]) => all.subarray(0, all.length * at)),
    fc.tuple(right, right).map((both) => Buffer.concat(both)),
    fc.tuple(right, rubbish).map((both) => Buffer.concat(both)),
    rubbish,
  );
}

/** @throws Error where the last is not whole */
export function envelopesIn(bytes: Uint8Array): { readonly flags: number; readonly data: Uint8Array }[] {
  const all = Buffer.from(bytes);
  const found: { flags: number; data: Uint8Array }[] = [];
  for (let at = 0; at < all.length; ) {
    const end = at + HEAD_BYTES + (at + HEAD_BYTES <= all.length ? all.readUInt32BE(at + 1) : 0);
    if (end > all.length) throw new Error(`expected whole envelopes, got ${all.toString('latin1').slice(0, 200)}`);
    found.push({ flags: all.readUInt8(at), data: all.subarray(at + HEAD_BYTES, end) });
    at = end;
  }
  return found;
}
