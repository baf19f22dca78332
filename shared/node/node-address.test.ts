import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { judgeNodeAddress, MAX_NODE_ADDRESS } from './node-address.ts';

describe('is an address, in one spelling', () => {
  it.each([
    ['https://node.example', 'https://node.example'],
    ['https://node.example/', 'https://node.example'],
    ['https://a', 'https://a'],
    ['HTTPS://Node.Example:443/', 'https://node.example'],
    ['https://node.example:8790', 'https://node.example:8790'],
    ['https://192.0.2.7:8790', 'https://192.0.2.7:8790'],
    ['https://[2001:DB8::1]:8790', 'https://[2001:db8::1]:8790'],
    ['https://[::ffff:192.0.2.7]', 'https://[::ffff:c000:207]'],
    ['https://xn--bcher-kva.example', 'https://xn--bcher-kva.example'],
    ['http://127.0.0.1:8790', 'http://127.0.0.1:8790'],
    ['http://127.1:8790', 'http://127.0.0.1:8790'],
    ['http://127.255.254.253', 'http://127.255.254.253'],
    ['http://localhost:8790', 'http://localhost:8790'],
    ['http://[::1]:8790', 'http://[::1]:8790'],
  ])('%s', (text, address) => {
    expect(judgeNodeAddress(text)).toEqual({ ok: true, address });
  });
});

it('may be as long as the limit, and is told so', () => {
  const address = `https://${'a'.repeat(MAX_NODE_ADDRESS - 8)}`;
  expect([address.length, judgeNodeAddress(address)]).toEqual([300, { ok: true, address }]);
});

describe('is none', () => {
  it.each([
    '',
    'node.example',
    'ftp://node.example',
    'file:///etc/passwd',
    'https://',
    'https://user:secret@node.example',
    'https://user@node.example',
    'https://node.example/path',
    'https://node.example//',
    'https://node.example?x',
    'https://node.example#x',
    'https://node.example:99999',
    'https://node.example:',
    'https://node.example\n',
    ' https://node.example',
    'https://node.example\\@other.example',
    'https://nöde.example',
    'https://node_x.example',
    'https://.example',
    'https://[::1',
    `https://${'a'.repeat(MAX_NODE_ADDRESS - 7)}`,
  ])('%j', (text) => {
    expect(judgeNodeAddress(text)).toMatchObject({ ok: false, reason: expect.stringContaining('https://host') });
  });

  it.each([
    'http://node.example',
    'http://192.0.2.7',
    'http://10.0.0.1:8790',
    'http://localhost.example',
    'http://node.localhost',
    'http://127.0.0-1',
    'http://[::2]',
  ])('by http: %s', (text) => {
    expect(judgeNodeAddress(text)).toMatchObject({ ok: false, reason: expect.stringContaining('loopback') });
  });
});

/** Mostly an address; now and then something is wrong with it. */
const ALMOST = /^https?:\/\/[a-zA-Z0-9.-]{1,12}(:\d{1,5})?\/?[@?#a]?$/;

it('whatever it is made of, what is let through is an origin and stays what it is', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.webUrl(), fc.stringMatching(/^https?:\/\/[ -~]{0,40}$/), fc.stringMatching(ALMOST)),
      (text) => {
        const judged = judgeNodeAddress(text);
        if (!judged.ok) return;
        expect(new URL(judged.address).href).toBe(`${judged.address}/`);
        expect(judgeNodeAddress(judged.address)).toEqual(judged);
      },
    ),
  );
});
