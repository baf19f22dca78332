/** What is signed and then damaged: nothing of it counts, and nothing but what was signed is ever read from it. */
import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { bytesToHex, utf8ToBytes } from '../crypto/digest.ts';
import { signingKey } from '../crypto/ed25519.ts';
import { signText, verifyText } from '../crypto/signed-text.ts';
import { isSignedBy, openDsse, signDsse } from '../trust/dsse.ts';
import { damagedText } from './damaged-text.fixture.ts';

const RUNS = 400;
const key = await signingKey(new Uint8Array(32).fill(1));
const other = await signingKey(new Uint8Array(32).fill(2));

test('a signed text that was damaged does not count', async () => {
  const text = await signText(key, 'purpose', { nodeId: 'n', note: 'ü€😀', n: 1 });
  const others = [await signText(key, 'other-purpose', { n: 2 }), await signText(other, 'purpose', { n: 3 })];
  await fc.assert(
    fc.asyncProperty(damagedText([text], others), async (damaged) => {
      fc.pre(damaged !== text);
      expect(await verifyText(key.publicKey, 'purpose', damaged)).toBeNull();
    }),
    { numRuns: RUNS },
  );
});

test('of a signed envelope that was damaged nothing is read but what was signed', async () => {
  const type = 'application/vnd.asu.test+json';
  const payload = utf8ToBytes(JSON.stringify({ hash: 'a'.repeat(64), images: [1, 2, 3] }));
  const text = JSON.stringify(await signDsse(key, type, payload));
  const others = [JSON.stringify(await signDsse(other, type, utf8ToBytes('{"hash":"b"}')))];
  await fc.assert(
    fc.asyncProperty(damagedText([text], others), async (damaged) => {
      const json = jsonOrNull(damaged);
      const opened = openDsse(json, type);
      if (!opened.ok || !(await isSignedBy(opened.value, key.publicKey))) return;
      expect(bytesToHex(opened.value.payload)).toBe(bytesToHex(payload));
    }),
    { numRuns: RUNS },
  );
});

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
