import { describe, expect, it, test } from 'vitest';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { utf8ToBytes } from './digest.ts';
import { signingKey } from './ed25519.ts';
import { signText, verifyText } from './signed-text.ts';

const edge = await signingKey(new Uint8Array(32).fill(1));
const other = await signingKey(new Uint8Array(32).fill(2));
const claim = { nodeId: 'n', note: 'ü€😀', n: 1 };
const signed = await signText(edge, 'purpose', claim);
const [payload = '', signature = ''] = signed.split('.');

// Golden: certificates and tokens that are out there. Never change it; a new form gets a new name in its first field.
test('the golden claim has its golden text, in both runtimes', () => {
  expect(signed).toBe(
    'eyJub2RlSWQiOiJuIiwibm90ZSI6IsO84oKs8J-YgCIsIm4iOjF9.sPcy90Vt5-5-uTfoW4c9oI9OnvzZZj2wRa1tG2U76J-EF-yPsUrSu10NGmVVe2sBNsXZ9SvIt-uKZMWXTGT3Dw',
  );
});

test('a signed claim comes back, and is one word', async () => {
  expect(await verifyText(edge.publicKey, 'purpose', signed)).toEqual(claim);
  expect(signed).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
});

describe('it does not count', () => {
  const payloadOf = (value: unknown) => toBase64Url(utf8ToBytes(JSON.stringify(value)));
  it.each<[string, string | Promise<string>]>([
    ['with another claim', `${payloadOf({ ...claim, n: 2 })}.${signature}`],
    ['with the claim spelled otherwise', `${payloadOf({ n: 1, nodeId: 'n', note: 'ü€😀' })}.${signature}`],
    [
      'with the signature of another claim',
      signText(edge, 'purpose', {}).then((text) => `${payload}.${text.split('.')[1]}`),
    ],
    ['signed by somebody else', signText(other, 'purpose', claim)],
    ['signed for another purpose', signText(edge, 'other-purpose', claim)],
    ['without a signature', payload],
    ['with an empty signature', `${payload}.`],
    ['without a claim', `.${signature}`],
    ['with a third part', `${signed}.${signature}`],
    ['with half a signature', `${payload}.${signature.slice(0, 43)}`],
    ['truncated by a letter', signed.slice(0, -1)],
    ['with a blank', `${signed} `],
    ['with padding', `${payload}.${signature}==`],
    ['that is nothing', ''],
    ['that is a dot', '.'],
    ['that is too long to look at', `${'A'.repeat(4097)}.${signature}`],
  ])('%s', async (_, text) => {
    expect(await verifyText(edge.publicKey, 'purpose', await text)).toBeNull();
  });

  it('for a key that is none', async () => {
    expect(await verifyText(new Uint8Array(31), 'purpose', signed)).toBeNull();
  });
});

test.each([
  [4095, true],
  [4097, false],
])('a rightly signed text of %i characters counts: %s', async (characters, counts) => {
  const bytes = Math.floor(((characters - '.'.length - signature.length) * 3) / 4);
  const long = { note: 'x'.repeat(bytes - JSON.stringify({ note: '' }).length) };
  const text = await signText(edge, 'purpose', long);
  expect(text).toHaveLength(characters);
  expect(await verifyText(edge.publicKey, 'purpose', text)).toEqual(counts ? long : null);
});

test('purpose and claim cannot trade letters', async () => {
  const text = await signText(edge, 'a', claim);
  expect(await verifyText(edge.publicKey, `a${payload.slice(0, 1)}`, text.slice(1))).toBeNull();
  expect(fromBase64Url(payload)).not.toBeNull();
});
