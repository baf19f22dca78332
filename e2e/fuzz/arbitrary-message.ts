/**
 * Messages of a service by its own description: each field absent, ordinary, extreme or somebody else's, then the bytes as they are,
 * damaged, or none of a message at all.
 */
import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';

const MAX_DEPTH = 4;

const NUMBERS = [0, 1, -1, 7, 2 ** 31 - 1, -(2 ** 31)] as const;
const LARGE = [0n, 1n, 5n, -1n, 2n ** 63n - 1n, -(2n ** 63n)] as const;
const WORDS = [
  ...['', ' ', 'a', '\0', '../x', 'a/b', 'ü', '\u202e', '__proto__', 'a'.repeat(64), '0'.repeat(64), 'x'.repeat(5_000)],
  ...['unknown_package', 'disk_full', 'canary', '{"a":1}', '<b>', '`id`', 'sysupgrade.bin'],
] as const;

/** `known`: names that mean something to whoever is asked: leases, hashes, nodes. */
export function arbitraryMessage(desc: DescMessage, known: readonly string[]): Arbitrary<Uint8Array> {
  return init(desc, known, 0).map((fields) => toBinary(desc, create(desc, fields as MessageInitShape<typeof desc>)));
}

function init(desc: DescMessage, known: readonly string[], depth: number): Arbitrary<Record<string, unknown>> {
  const fields = desc.fields.filter((field) => field.oneof === undefined);
  const parts: Arbitrary<readonly [string, unknown] | null>[] = fields.map((field) =>
    sometimes(arbitraryOf(field, known, depth).map((value) => [field.localName, value] as const)),
  );
  for (const oneof of desc.oneofs) {
    const cases = oneof.fields.map((field) =>
      arbitraryOf(field, known, depth).map((value) => [oneof.localName, { case: field.localName, value }] as const),
    );
    parts.push(sometimes(fc.oneof(...cases)));
  }
  return fc.tuple(...parts).map((all) => Object.fromEntries(all.filter((part) => part !== null)));
}

const sometimes = <Value>(value: Arbitrary<Value>): Arbitrary<Value | null> => fc.option(value, { freq: 6 });

function arbitraryOf(field: DescField, known: readonly string[], depth: number): Arbitrary<unknown> {
  switch (field.fieldKind) {
    case 'scalar':
      return scalar(field.scalar, known);
    case 'enum':
      return fc.constantFrom(
        ...NUMBERS.filter((number) => number >= 0),
        ...field.enum.values.map(({ number }) => number),
      );
    case 'message':
      return depth >= MAX_DEPTH ? fc.constant(undefined) : init(field.message, known, depth + 1);
    case 'list':
      return fc.array(element(field, known, depth), { maxLength: 3 }).chain((some) =>
        // So many that a limit of the call is met.
        fc.constantFrom(
          some,
          some,
          some,
          some.flatMap((one) => Array.from({ length: 60 }, () => one)),
        ),
      );
    case 'map':
      return fc.constant({});
  }
}

function element(
  field: Extract<DescField, { readonly fieldKind: 'list' }>,
  known: readonly string[],
  depth: number,
): Arbitrary<unknown> {
  if (field.listKind === 'message') return depth >= MAX_DEPTH ? fc.constant({}) : init(field.message, known, depth + 1);
  return field.listKind === 'scalar' ? scalar(field.scalar, known) : fc.constantFrom(0, 1, 99);
}

function scalar(type: ScalarType, known: readonly string[]): Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.oneof(fc.constantFrom(...known, ...WORDS), fc.string({ maxLength: 20 }));
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 80 });
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return fc.constantFrom(0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.constantFrom(...LARGE);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.constantFrom(...LARGE.filter((number) => number >= 0n), 2n ** 64n - 1n);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.constantFrom(...NUMBERS.filter((number) => number >= 0), 2 ** 32 - 1);
    default:
      return fc.constantFrom(...NUMBERS);
  }
}

/** Bytes changed, cut, doubled; a length that promises gigabytes; a field that nobody knows. */
export function damagedMessage(bytes: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const endless = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f);
  const unknown = Uint8Array.of(0xfa, 0xff, 0x7f, 3, 1, 2, 3);
  const nested = new Uint8Array(4_000).fill(0x0a);
  return fc.oneof(
    bytes,
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(bytes, place).map(([all, at]) => all.slice(0, Math.floor(all.length * at))),
    fc.tuple(bytes, place, fc.nat(255)).map(([all, at, byte]) => {
      const changed = all.slice();
      if (changed.length > 0) changed[Math.floor(at * (changed.length - 1))] = byte;
      return changed;
    }),
    fc.tuple(bytes, fc.constantFrom(endless, unknown, nested)).map(([all, more]) => concat(all, more)),
    fc.tuple(bytes, bytes).map(([one, other]) => concat(one, other)),
  );
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
