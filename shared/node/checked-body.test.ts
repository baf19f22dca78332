import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { utf8ToBytes } from '../crypto/digest.ts';
import { LeaseRequestSchema } from '../gen/asu/farm/v1/foreman_pb.js';
import { checkedBody, promisedBytes } from './checked-body.ts';

const GOOD = new Uint8Array(toBinary(LeaseRequestSchema, create(LeaseRequestSchema, { idempotencyKey: 'key-of-1' })));
const RUBBISH = Uint8Array.of(0x0a, 0xff, 0xff);
const FAULT = 'expected a asu.farm.v1.LeaseRequest';

const envelope = (data: Uint8Array, flags = 0, length = data.length): Uint8Array<ArrayBuffer> =>
  Uint8Array.of(flags, length >>> 24, length >>> 16, length >>> 8, length, ...data);

const headers =
  (type: string | null, more: Readonly<Record<string, string>> = {}) =>
  (name: string): string | null =>
    name === 'content-type' ? type : (more[name] ?? null);

test.each([
  ['application/proto', RUBBISH, []],
  ['Application/Proto', RUBBISH, []],
  ['application/connect+proto', envelope(RUBBISH), [0, 0, 0, 0, 0]],
  ['application/grpc-web+proto', envelope(RUBBISH), [0, 0, 0, 0, 0]],
  ['application/grpc-web', envelope(RUBBISH), [0, 0, 0, 0, 0]],
  ['application/grpc', envelope(RUBBISH), [0, 0, 0, 0, 0]],
  ['application/grpc+proto', Uint8Array.of(...envelope(RUBBISH), ...envelope(GOOD)), [0, 0, 0, 0, 0]],
  ['application/connect+proto', Uint8Array.of(...envelope(GOOD), ...envelope(RUBBISH)), [0, 0, 0, 0, 0]],
  ['application/connect+proto', Uint8Array.of(...envelope(RUBBISH, 2), ...envelope(RUBBISH)), [0, 0, 0, 0, 0]],
  // Flags that nobody knows change nothing.
  ['application/connect+proto', envelope(RUBBISH, 0x80), [0, 0, 0, 0, 0]],
  ['application/grpc-web', envelope(RUBBISH, 0x02), [0, 0, 0, 0, 0]],
  ['application/grpc', envelope(RUBBISH, 0x82), [0, 0, 0, 0, 0]],
] as const)('%s of bytes that are no message is an empty one with a fault (%#)', (type, bytes, instead) => {
  const { body, fault } = checkedBody(LeaseRequestSchema, headers(type), Uint8Array.from(bytes));
  expect([[...body], fault]).toEqual([instead, FAULT]);
});

test.each([
  ['application/json', utf8ToBytes('{"slots":"x"}'), [0x7b, 0x7d], /field asu\.farm\.v1\.LeaseRequest\.slots .*"x"$/],
  ['application/json;charset=utf8', RUBBISH, [0x7b, 0x7d], /^cannot decode message asu\.farm\.v1\.LeaseRequest/],
  ['application/connect+json', envelope(RUBBISH), [0, 0, 0, 0, 2, 0x7b, 0x7d], /^cannot decode message/],
  ['application/grpc+json', envelope(RUBBISH), [0, 0, 0, 0, 2, 0x7b, 0x7d], /^cannot decode message/],
] as const)('%s that is none is an empty object, and the fault says where (%#)', (type, bytes, instead, told) => {
  const { body, fault } = checkedBody(LeaseRequestSchema, headers(type), Uint8Array.from(bytes));
  expect([...body]).toEqual(instead);
  expect(fault).toMatch(told);
});

test.each([
  ['half a character', '{"slots":"\\ud800"}'],
  ['control characters', '\u001b[2J\u0000'],
  ['a long key, twice', `{"${'k'.repeat(20_000)}":1,"${'k'.repeat(20_000)}":2}`],
])('the fault of JSON with %s is a short line that every protocol can carry', (_, text) => {
  const { fault } = checkedBody(LeaseRequestSchema, headers('application/grpc-web+json'), envelope(utf8ToBytes(text)));
  expect(fault).toMatch(/^cannot decode \P{Cc}{1,1000}$/u);
  expect(fault?.length).toBeLessThan(1_000);
  expect(() => encodeURIComponent(fault ?? '')).not.toThrow();
});

test('where an encoding is said that changes nothing, the bytes are looked at', () => {
  const identity = headers('application/proto', { 'content-encoding': 'identity' });
  expect(checkedBody(LeaseRequestSchema, identity, RUBBISH).fault).toBe(FAULT);
});

test.each([
  ['a message', headers('application/proto'), GOOD],
  ['no bytes, an empty message', headers('application/proto'), new Uint8Array()],
  ['a message in its envelope', headers('application/connect+proto'), envelope(GOOD)],
  ['an empty one in its envelope', headers('application/grpc'), envelope(new Uint8Array())],
  ['JSON', headers('application/json; charset=utf-8'), utf8ToBytes('{"slots":2,"nobodyKnows":1}')],
  ['JSON in an envelope', headers('application/connect+json'), envelope(utf8ToBytes('{}'))],
  ['of no media type', headers(null), RUBBISH],
  ['of a media type that is not served', headers('application/proto; charset=utf-8'), RUBBISH],
  ['encoded', headers('application/proto', { 'content-encoding': 'gzip' }), RUBBISH],
  ['encoded in an envelope', headers('application/grpc', { 'grpc-encoding': 'gzip' }), envelope(RUBBISH)],
  ['flagged as compressed', headers('application/grpc'), envelope(RUBBISH, 1)],
  [
    'behind one that is compressed',
    headers('application/grpc'),
    Uint8Array.of(...envelope(GOOD, 1), ...envelope(RUBBISH)),
  ],
  ['flagged as the end', headers('application/connect+proto'), envelope(RUBBISH, 2)],
  ['flagged as the end of gRPC-Web', headers('application/grpc-web'), envelope(RUBBISH, 0x80)],
  ['longer than promised', headers('application/connect+proto'), envelope(GOOD, 0, GOOD.length - 1).subarray(0, 4)],
  ['shorter than promised', headers('application/connect+proto'), envelope(RUBBISH, 0, 2 ** 32 - 1)],
  ['no envelope', headers('application/connect+proto'), new Uint8Array()],
] as const)('%s stays as it is, for Connect to say what is wrong, if anything is', (_, header, bytes) => {
  const body = Uint8Array.from(bytes);
  expect(checkedBody(LeaseRequestSchema, header, body)).toEqual({ body, fault: null });
});

test('a part of a larger buffer is read from where it begins', () => {
  const whole = Uint8Array.of(9, 9, 9, ...envelope(GOOD));
  expect(checkedBody(LeaseRequestSchema, headers('application/grpc'), whole.subarray(3)).fault).toBeNull();
});

test.each([
  ['by its length', 'application/proto', '77', [], 77],
  ['by its first envelope, whatever its length', 'application/grpc', '77', [0, 0xff, 0xff, 0xff, 0xff], 2 ** 32 - 1],
  ['by its length, where the envelope has not come', 'application/grpc', '77', [0, 0xff], 77],
  ['nothing, in chunks', 'application/proto', null, [1, 2, 3], 0],
] as const)('how much a call promises: %s', (_, type, length, start, bytes) => {
  const header = headers(type, length === null ? {} : { 'content-length': length });
  expect(promisedBytes(header, Uint8Array.from(start))).toBe(bytes);
});
