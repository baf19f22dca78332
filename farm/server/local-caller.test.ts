import { expect, test } from 'vitest';
import { isLocalCaller } from './local-caller.ts';

test.each([
  ['127.0.0.1', '127.0.0.1', {}, true],
  ['localhost', '::1', {}, true],
  ['127.0.0.1', '::ffff:127.0.0.1', {}, true],
  // Listening elsewhere too, nobody is trusted for where they seem to call from.
  ['0.0.0.0', '127.0.0.1', {}, false],
  ['::', '::1', {}, false],
  ['node.example', '127.0.0.1', {}, false],
  ['127.0.0.1', '192.0.2.1', {}, false],
  ['127.0.0.1', '::ffff:192.0.2.1', {}, false],
  ['127.0.0.1', undefined, {}, false],
  ['127.0.0.1', '127.0.0.1', { origin: 'null' }, false],
  ['127.0.0.1', '127.0.0.1', { forwarded: 'for=127.0.0.1' }, false],
  ['127.0.0.1', '127.0.0.1', { 'x-forwarded-for': '' }, false],
  // No header gives the right.
  ['127.0.0.1', '192.0.2.1', { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' }, false],
])('listening on %s, a call from %s with %j is local: %j', (host, peer, headers, isLocal) => {
  expect(isLocalCaller({ host, port: 1 }, peer, headers)).toBe(isLocal);
});
