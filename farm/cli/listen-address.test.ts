import { expect, test } from 'vitest';
import { isLoopback, parseListenAddress } from './listen-address.ts';

test.each([
  ['127.0.0.1:9100', { host: '127.0.0.1', port: 9100 }],
  ['localhost:1', { host: 'localhost', port: 1 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['0.0.0.0:9100', { host: '0.0.0.0', port: 9100 }],
  ['9100', null],
  [':9100', null],
  ['127.0.0.1', null],
  ['127.0.0.1:0', null],
  ['127.0.0.1:65536', null],
  ['127.0.0.1:9100\n', null],
  ['::1:9100', null],
  ['http://127.0.0.1:9100', null],
  ['a b:1', null],
  ['-x:1', null],
])('%j is %j', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});

test.each([
  ['127.0.0.1:1', true],
  ['127.8.9.1:1', true],
  ['localhost:1', true],
  ['[::1]:1', true],
  ['0.0.0.0:1', false],
  ['[::]:1', false],
  ['127.0.0.1.example:1', false],
  ['10.0.0.1:1', false],
])('%s is heard by this machine alone: %s', (text, alone) => {
  const address = parseListenAddress(text);
  expect(address && isLoopback(address)).toBe(alone);
});
