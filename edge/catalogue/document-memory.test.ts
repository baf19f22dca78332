import { describe, expect, it } from 'vitest';
import type { ArchDocument, ModelsDocument, ProfilesDocument } from '../../shared/upstream/catalogue-document.ts';
import { openDocumentMemory, weightBytes } from './document-memory.ts';

const documentOf = (count: number): ArchDocument => ({
  kind: 'arch',
  version: '24.10.2',
  arch: 'x86_64',
  feeds: [],
  packages: Object.fromEntries(Array.from({ length: count }, (_, n) => [`package-${n}`, '1'])),
  packagesDigest: '',
  provides: [],
  providesKnown: true,
  fetchedAt: 0,
  checkedAt: 0,
});

describe('documents in memory', () => {
  const one = { document: documentOf(100) };
  const size = weightBytes(one.document);

  it('weigh more than their text', () => {
    expect(weightBytes(documentOf(10_000))).toBeGreaterThan(JSON.stringify(documentOf(10_000)).length * 2);
  });

  it('of devices weigh more than their text, too', () => {
    const source = { supportedDevices: ['acme,router'], json: JSON.stringify({ images: 'x'.repeat(2000) }) };
    const document = (count: number): ProfilesDocument => ({
      kind: 'profiles',
      version: '24.10.2',
      target: 'ath79/generic',
      metadata: {},
      profiles: Object.fromEntries(Array.from({ length: count }, (_, n) => [`device-${n}`, source])),
      signedBy: 'unsigned',
      fetchedAt: 0,
      checkedAt: 0,
    });
    expect(weightBytes(document(350))).toBeGreaterThan(JSON.stringify(document(350)).length);
    expect(weightBytes(document(350))).toBeGreaterThan(weightBytes(document(349)) + 2000);
  });

  it('of all devices of a version weigh more than their text, too', () => {
    const models = Array.from({ length: 2_500 }, (_, n) => ({
      model: `Device ${n}`,
      target: 'a/b',
      profile: `d-${n}`,
    }));
    const document: ModelsDocument = { kind: 'models', version: '24.10.2', models, fetchedAt: 0, checkedAt: 0 };
    expect(weightBytes(document)).toBeGreaterThan(JSON.stringify(document).length * 2);
    expect(weightBytes(document)).toBeLessThan(2 * 1024 * 1024);
  });

  it('weigh what they provide', () => {
    const provides = Array.from({ length: 1000 }, (_, n) => `lib${n}`);
    expect(weightBytes({ ...documentOf(10), provides })).toBeGreaterThan(weightBytes(documentOf(10)) + 50_000);
  });

  it('go when the next would be too much, the least recently used first', () => {
    const memory = openDocumentMemory(size * 3);
    for (const key of ['a', 'b', 'c']) memory.set(key, { ...one });
    memory.get('a');
    memory.set('d', { ...one });
    expect(['a', 'b', 'c', 'd'].filter((key) => memory.get(key))).toEqual(['a', 'c', 'd']);
  });

  it('weigh once, however often they are set, and nothing after they are deleted', () => {
    const memory = openDocumentMemory(size * 2);
    memory.set('a', { ...one });
    for (let n = 0; n < 10; n++) memory.set('b', { ...one });
    expect(memory.get('a')).toBeDefined();
    memory.delete('a');
    memory.delete('a');
    memory.set('c', { ...one });
    expect(['a', 'b', 'c'].filter((key) => memory.get(key))).toEqual(['b', 'c']);
  });

  it('that are too big for the whole memory push nobody out', () => {
    const memory = openDocumentMemory(size);
    memory.set('a', { ...one });
    memory.set('b', { document: documentOf(1000) });
    expect([memory.get('a'), memory.get('b')].map((held) => held !== undefined)).toEqual([true, false]);
  });
});
