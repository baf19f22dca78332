import { describe, expect, it, test } from 'vitest';
import { utf8ToBytes } from '../crypto/digest.ts';
import { signingKey } from '../crypto/ed25519.ts';
import { type DsseEnvelope, signDsse } from './dsse.ts';
import {
  appendRecord,
  faultOfChain,
  headPayload,
  LOG_HEAD_TYPE,
  LOG_RECORD_TYPE,
  LOG_START,
  type LogEntry,
  type LogPlace,
  MAX_DISOWNED,
  type ReadRecord,
  readHead,
  readRecord,
  withheldDigest,
} from './log-record.ts';
import { edgeKey } from './statement.fixture.ts';

const stranger = await signingKey(new Uint8Array(32).fill(9));
const hash = (digit: string) => digit.repeat(64);

const entry = (n: number, fields: Partial<LogEntry> = {}): LogEntry => ({
  requestHash: hash(String(n)),
  subjects: [{ name: 'image.bin', digest: { sha256: hash('a') } }],
  attesters: [hash('e')],
  policy: { rule: 'trusted', operators: 1 },
  at: 1_763_000_000_000 + n,
  salt: null,
  ...fields,
});

interface Kept {
  readonly envelope: DsseEnvelope;
  readonly place: LogPlace;
}

async function logOf(entries: readonly LogEntry[], from = LOG_START, key = edgeKey): Promise<Kept[]> {
  const kept: Kept[] = [];
  let last = from;
  for (const each of entries) {
    const { payload, place } = appendRecord(last, each);
    kept.push({ envelope: await signDsse(key, LOG_RECORD_TYPE, utf8ToBytes(payload)), place });
    last = place;
  }
  return kept;
}

async function read(envelopes: readonly unknown[]): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for (const envelope of envelopes) {
    const one = await readRecord(envelope, edgeKey.publicKey);
    if (!one.ok) throw new Error(one.reason);
    records.push(one);
  }
  return records;
}

const log = await logOf([1, 2, 3, 4, 5].map((n) => entry(n)));
const envelopes = log.map(({ envelope }) => envelope);
const head = log.at(-1)?.place as LogPlace;

test('a chain that nobody touched has no fault, whole or from anywhere in it', async () => {
  const records = await read(envelopes);
  expect(faultOfChain(LOG_START, records, head)).toBeNull();
  expect(faultOfChain(records[1]?.place as LogPlace, records.slice(2), head)).toBeNull();
  expect(faultOfChain(LOG_START, records.slice(0, 2))).toBeNull();
  expect(faultOfChain(LOG_START, [], LOG_START)).toBeNull();
});

test('it is the same chain in every runtime', () => {
  expect(head).toEqual({ sequence: 5, hash: 'b2d0d4754c03b17a0576837634bedd752ad51bd451f7b6b0473e3914420ad5b0' });
});

describe('a fault is found where', () => {
  /** The edge's own key: it alone could do so unseen, but for those who kept a head. */
  const resigned = async (n: number, at: number) =>
    (
      await logOf([entry(n, { subjects: [{ name: 'image.bin', digest: { sha256: hash('b') } }] })], log[at - 1]?.place)
    )[0]?.envelope as DsseEnvelope;

  it.each<[string, () => Promise<unknown[]>, string]>([
    [
      'a record was changed',
      async () => envelopes.with(2, await resigned(3, 2)),
      'record 4 does not follow from record 3',
    ],
    [
      'the last one was changed',
      async () => envelopes.with(4, await resigned(5, 4)),
      'record 5 is not the one that the head names',
    ],
    ['a record was removed', async () => envelopes.toSpliced(2, 1), 'expected record 3 behind record 2, got record 4'],
    ['the first was removed', async () => envelopes.slice(1), 'expected record 1 behind record 0, got record 2'],
    [
      'the last was removed',
      async () => envelopes.slice(0, -1),
      'the log ends with record 5, and the records end with 4',
    ],
    ['all were removed', async () => [], 'the log ends with record 5, and the records end with 0'],
    [
      'two changed places',
      async () => [0, 2, 1, 3, 4].map((at) => envelopes[at]),
      'expected record 2 behind record 1, got record 3',
    ],
    [
      'one is there twice',
      async () => [0, 1, 1, 2, 3, 4].map((at) => envelopes[at]),
      'expected record 3 behind record 2, got record 2',
    ],
    [
      'one was put in',
      async () => envelopes.toSpliced(2, 0, await resigned(9, 2)),
      'expected record 4 behind record 3, got record 3',
    ],
    [
      'a removed one was covered up by new numbers',
      async () => [
        ...envelopes.slice(0, 2),
        ...(await logOf([entry(4), entry(5)], log[1]?.place)).map(({ envelope }) => envelope),
      ],
      'the log ends with record 5, and the records end with 4',
    ],
  ])('%s', async (_, changed, fault) => {
    expect(faultOfChain(LOG_START, await read(await changed()), head)).toContain(fault);
  });
});

describe('a record is not read', () => {
  const [first] = envelopes as [DsseEnvelope];
  const payload = utf8ToBytes(appendRecord(LOG_START, entry(1)).payload);
  const bent = (fields: object) =>
    signDsse(
      edgeKey,
      LOG_RECORD_TYPE,
      utf8ToBytes(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(payload)), ...fields })),
    );

  it.each<[string, () => Promise<unknown>, string]>([
    ['forged by another key', () => signDsse(stranger, LOG_RECORD_TYPE, payload), 'not signed by the key'],
    [
      "forged under the server's name",
      async () => ({
        ...first,
        signatures: [
          { ...(await signDsse(stranger, LOG_RECORD_TYPE, payload)).signatures[0], keyid: first.signatures[0]?.keyid },
        ],
      }),
      'not signed by the key',
    ],
    ['with a changed payload', async () => ({ ...first, payload: btoa('{}') }), 'not signed by the key'],
    ['as another kind', () => signDsse(edgeKey, LOG_HEAD_TYPE, payload), 'expected application/vnd.asu.log-record'],
    ['without an attester', () => bent({ attesters: [] }), 'not understood'],
    ['with an attester without a name', () => bent({ attesters: [''] }), 'not understood'],
    ['with an attester of too long a name', () => bent({ attesters: ['n'.repeat(65)] }), 'not understood'],
    ['with a number that is none', () => bent({ sequence: 0 }), 'not understood'],
    ['that is public and withheld', () => bent({ withheld: hash('a') }), 'not understood'],
    ['that is no JSON of ours', async () => null, 'the envelope is none'],
  ])('%s', async (_, json, reason) => {
    const record = await readRecord(await json(), edgeKey.publicKey);
    expect(record.ok ? 'read' : record.reason).toContain(reason);
  });
});

test('a record names nodes as the register has them', async () => {
  const attesters = ['n', 'n'.repeat(64)];
  const [kept] = (await logOf([entry(1, { attesters })])) as [Kept];
  expect(await readRecord(kept.envelope, edgeKey.publicKey)).toMatchObject({ ok: true, record: { attesters } });
});

describe('a private build', () => {
  const salt = hash('5');

  it('is in the log by a digest that only who has its salt can make', async () => {
    const [kept] = (await logOf([entry(1, { salt })])) as [Kept];
    const [{ record }] = (await read([kept.envelope])) as [ReadRecord];
    const { requestHash, subjects } = entry(1);
    expect(record).toMatchObject({ withheld: withheldDigest(salt, requestHash, subjects) });
    const payload = atob(kept.envelope.payload);
    for (const secret of [requestHash, hash('a'), 'image.bin', salt]) expect(payload).not.toContain(secret);
  });

  it.each<[string, string, Partial<LogEntry>]>([
    ['another salt', hash('6'), {}],
    ['another build', salt, { requestHash: hash('2') }],
    ['another file', salt, { subjects: [{ name: 'image.bin', digest: { sha256: hash('c') } }] }],
    ['another name', salt, { subjects: [{ name: 'image.bi', digest: { sha256: hash('a') } }] }],
    ['no file', salt, { subjects: [] }],
  ])('has another digest with %s', (_, other, fields) => {
    const [one, two] = [entry(1), entry(1, fields)];
    expect(withheldDigest(other, two.requestHash, two.subjects)).not.toBe(
      withheldDigest(salt, one.requestHash, one.subjects),
    );
  });
});

describe('a head', () => {
  it('is read with its key alone, and names no more nodes than there is room for', async () => {
    const disowned = Array.from({ length: MAX_DISOWNED + 1 }, (_, n) => n.toString(16).padStart(64, '0'));
    const payload = headPayload(head, 1_763_000_000_000, { ids: disowned, before: [] });
    const signed = await signDsse(edgeKey, LOG_HEAD_TYPE, payload);
    expect(await readHead(signed, edgeKey.publicKey)).toMatchObject({
      ok: true,
      value: { ...head, time: '2025-11-13T02:13:20.000Z', disowned: disowned.slice(0, MAX_DISOWNED) },
    });
    expect(await readHead(signed, stranger.publicKey)).toMatchObject({ ok: false });
    expect(await readHead(envelopes[0], edgeKey.publicKey)).toMatchObject({ ok: false });
  });

  const nodes = Array.from({ length: MAX_DISOWNED + 1 }, (_, n) => ({ node: `node-${n}`, sequence: n + 1 }));
  it.each([
    ['nobody', 0, undefined],
    ['one', 1, nodes.slice(0, 1)],
    ['two', 2, nodes.slice(0, 2)],
    ['more than there is room for', MAX_DISOWNED + 1, nodes.slice(0, MAX_DISOWNED)],
  ])('tells up to where %s is not believed', async (_, count, told) => {
    const payload = headPayload(head, 0, { ids: ['node-x'], before: nodes.slice(0, count) });
    const read = await readHead(await signDsse(edgeKey, LOG_HEAD_TYPE, payload), edgeKey.publicKey);
    expect(read).toMatchObject({ ok: true, value: { disowned: ['node-x'] } });
    expect(read.ok && read.value.disowned_before).toEqual(told);
  });
});
