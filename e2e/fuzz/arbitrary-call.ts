/**
 * Calls of a service by its own description, in all protocols that Connect speaks over HTTP/1.1: messages that are nearly right, in
 * envelopes that are nearly right, under headers that are right most of the time. What is refused by its headers never comes to the
 * message.
 */
import { gzipSync } from 'node:zlib';
import type { DescService } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';
import { arbitraryMessage, damagedMessage } from './arbitrary-message.ts';
import { arbitraryEnvelopes } from './envelopes.ts';

export interface Call {
  readonly method: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

type Headers = Readonly<Record<string, string>>;

const PROTO = 'application/proto';
export const ODD_HEADERS: readonly Headers[] = [
  ...['application/json', 'application/connect+proto', 'application/grpc+proto', 'application/grpc', 'text/html'].map(
    ofType,
  ),
  ...['Application/Proto', 'application/proto; charset=utf-8', 'application/json; charset=utf-8', '', ';'].map(ofType),
  ...['gzip', 'br', 'identity', ''].map((encoding) => ({ ...ofType(PROTO), 'content-encoding': encoding })),
  ...['1', '0', '-1', '9999999999', '99999999999', '1e3'].map((timeout) => ({
    ...ofType(PROTO),
    'connect-timeout-ms': timeout,
  })),
  { ...ofType(PROTO), 'connect-protocol-version': '2' },
  { ...ofType(PROTO), 'accept-encoding': 'gzip', 'connect-accept-encoding': 'gzip' },
];
const ENVELOPED: readonly Headers[] = [
  ...['application/connect+proto', 'application/connect+proto', 'application/connect+json'].map(ofType),
  ...['application/grpc-web+proto', 'application/grpc-web', 'application/grpc-web+json'].map(ofType),
  ...['application/grpc-web-text', 'Application/GRPC-Web+Proto', 'application/grpc-web+proto; a=b'].map(ofType),
  ...['gzip', 'identity', 'x'].flatMap((encoding) => [
    { ...ofType('application/connect+proto'), 'connect-content-encoding': encoding },
    { ...ofType('application/grpc-web+proto'), 'grpc-encoding': encoding },
  ]),
  ...['9999999999', '0', 'x'].map((timeout) => ({
    ...ofType('application/connect+proto'),
    'connect-timeout-ms': timeout,
  })),
  ...['99999999H', '0n', '1', 'x'].map((timeout) => ({
    ...ofType('application/grpc-web+proto'),
    'grpc-timeout': timeout,
  })),
];

const JSON_ENVELOPED = ['application/connect+json', 'application/grpc-web+json'].map(ofType);

const BOMB = new Uint8Array(gzipSync(Buffer.alloc(40_000_000)));

/** @param known names that mean something to whoever is asked */
export function arbitraryCall(service: DescService, known: readonly string[]): Arbitrary<Call> {
  const methods = fc.constantFrom(...service.methods);
  const messageOf = ({ input }: DescService['methods'][number]) => damagedMessage(arbitraryMessage(input, known));
  const calls = (
    bodies: (method: DescService['methods'][number]) => Arbitrary<Uint8Array>,
    headers: Arbitrary<Headers>,
  ) => methods.chain((method) => fc.record({ method: fc.constant(method.name), body: bodies(method), headers }));
  const right = fc.constant(ofType(PROTO));
  return fc.oneof(
    { weight: 28, arbitrary: calls(messageOf, right) },
    { weight: 12, arbitrary: calls(messageOf, fc.constantFrom(...ODD_HEADERS)) },
    { weight: 20, arbitrary: calls((method) => arbitraryEnvelopes(messageOf(method)), fc.constantFrom(...ENVELOPED)) },
    { weight: 5, arbitrary: calls(() => json, fc.constant(ofType('application/json'))) },
    { weight: 3, arbitrary: calls(() => arbitraryEnvelopes(json), fc.constantFrom(...JSON_ENVELOPED)) },
    {
      weight: 1,
      arbitrary: calls(() => fc.constant(BOMB), fc.constant({ ...ofType(PROTO), 'content-encoding': 'gzip' })),
    },
  );
}

const ODD_JSON = [
  '{"slots":"\\ud800"}',
  '{"leaseId":["\\ud800"]}',
  `{"${'k'.repeat(5_000)}":1,"${'k'.repeat(5_000)}":2}`,
  '',
  'null',
  '[]',
  '{',
  '\u001b[2J',
  '{"reports":[{"sequence":1e400}]}',
  '{"leaseId":"\\u0000"}',
  '['.repeat(50_000),
] as const;
const json = fc.oneof(fc.json(), fc.constantFrom(...ODD_JSON)).map((text) => new Uint8Array(Buffer.from(text)));

function ofType(type: string): Headers {
  return { 'content-type': type };
}
