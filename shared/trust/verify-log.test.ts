/** Where an image stands in the log, and what follows it there up to the head. */
import { describe, expect, it } from 'vitest';
import { utf8ToBytes } from '../crypto/digest.ts';
import { ruleOf } from './attester.ts';
import { signDsse } from './dsse.ts';
import { appendRecord, LOG_RECORD_TYPE, LOG_START } from './log-record.ts';
import { attesterOf, headOf, publication } from './provenance.fixture.ts';
import type { Provenance } from './provenance.ts';
import { edgeKey, nodeKey, ordered, otherNodeKey, output } from './statement.fixture.ts';
import {
  after,
  bent,
  failures,
  good,
  IMAGE,
  next,
  recordOf,
  SUBJECTS,
  stranger,
  whole,
} from './verify-image.fixture.ts';
import type { Evidence } from './verify-image.ts';

describe('the log', () => {
  it.each<[string, () => Promise<Provenance>, string]>([
    ['without a record', async () => bent({ log: null }), 'has no record of the log'],
    ["with another image's", async () => bent({ log: next.provenance.log }), 'record 2 of the log is of another image'],
    [
      'with a number that is not its own',
      async () => bent({ log: { sequence: 2, record: recordOf(good) } }),
      'expected record 2 of the log, got record 1',
    ],
    [
      'with one of another server',
      async () => bent({ log: (await publication({ key: stranger })).provenance.log }),
      'not signed by the key',
    ],
    [
      'with a changed payload',
      async () => bent({ log: { sequence: 1, record: { ...recordOf(good), payload: btoa('{}') } } }),
      'not signed by the key',
    ],
    [
      'with one of other files',
      async () => bent({ log: (await publication({ output: { ...output, files: [] } })).provenance.log }),
      'names other files',
    ],
    [
      'with one of as many other files',
      async () => {
        const files = [{ name: 'image.bin', sha256: '9'.repeat(64) }];
        return bent({ log: (await publication({ output: { ...output, files } })).provenance.log });
      },
      'names other files',
    ],
    [
      'with one that calls the file something else',
      async () => {
        const files = [{ name: 'other.bin', sha256: IMAGE }];
        return bent({ log: (await publication({ output: { ...output, files } })).provenance.log });
      },
      'names other files',
    ],
    [
      'with one that names the first of its files alone',
      async () => {
        const { requestHash } = ordered();
        const attesters = [attesterOf(nodeKey)];
        const entry = { requestHash, subjects: SUBJECTS.slice(0, 1), policy: ruleOf(attesters), at: 0, salt: null };
        const { payload } = appendRecord(LOG_START, { ...entry, attesters: attesters.map(({ id }) => id) });
        const record = await signDsse(edgeKey, LOG_RECORD_TYPE, utf8ToBytes(payload));
        return bent({ log: { sequence: 1, record } });
      },
      'names other files',
    ],
    [
      'with one of other nodes',
      async () =>
        bent({
          log: (await publication({ nodes: [{ key: otherNodeKey, attester: attesterOf(otherNodeKey) }] })).provenance
            .log,
        }),
      'names other nodes',
    ],
    [
      'of an image with `defaults`, without its salt',
      async () =>
        ({ ...(await publication({ salt: 'd'.repeat(64) })).provenance, salt: undefined }) as unknown as Provenance,
      'its salt is missing',
    ],
    [
      'of an image with `defaults`, with another salt',
      async () => ({ ...(await publication({ salt: 'd'.repeat(64) })).provenance, salt: 'e'.repeat(64) }),
      'is of another image',
    ],
  ])('%s is found', async (_, provenance, told) => {
    expect(await failures({ provenance: await provenance() })).toEqual({ record: expect.stringContaining(told) });
  });

  it('that is asked for has no place to begin at without a record that is believed', async () => {
    for (const record of [null, { sequence: 1, record: recordOf(await publication({ key: stranger })) }])
      expect(await failures({ provenance: bent({ log: record }), log: await whole() })).toEqual({
        record: expect.stringMatching(/has no record of the log|is not signed by the key/),
        log: 'without a record there is no place to begin at',
      });
  });

  it.each<[string, () => Promise<Evidence['log']>, string]>([
    [
      'with a record missing behind it',
      async () => ({ ...(await whole()), behind: [null, recordOf(after)] }),
      'record 2 is missing',
    ],
    [
      'with the last one missing',
      async () => ({ ...(await whole()), behind: [recordOf(next), null] }),
      'record 3 is missing',
    ],
    [
      'with one left out',
      async () => ({ ...(await whole()), behind: [recordOf(after)] }),
      'expected record 2 behind record 1, got record 3',
    ],
    [
      'that ends too soon',
      async () => ({ ...(await whole()), behind: [recordOf(next)] }),
      'ends with record 3, and the records end with 2',
    ],
    [
      'with a changed one behind it',
      async () => {
        const changed = await publication({ last: good.place, requestHash: '6'.repeat(64) });
        return { ...(await whole()), behind: [recordOf(changed), recordOf(after)] };
      },
      'record 3 does not follow from record 2 as it is',
    ],
    [
      'with a forged one behind it',
      async () => ({ ...(await whole()), behind: [{ ...recordOf(next), payload: btoa('{}') }, recordOf(after)] }),
      'record 2 is not believed',
    ],
    [
      'with a head of another server',
      async () => ({ ...(await whole()), head: await headOf(after.place, [], stranger) }),
      'the head is not believed',
    ],
    [
      'with a head from before the image',
      async () => ({ head: await headOf({ sequence: 0, hash: '0'.repeat(64) }), behind: [] }),
      'ends with record 0',
    ],
    ['with no head', async () => ({ head: null, behind: [] }), 'the head is not believed'],
  ])('%s is found', async (_, log, told) => {
    expect(await failures({ log: (await log()) as NonNullable<Evidence['log']> })).toEqual({
      log: expect.stringContaining(told),
    });
  });
});
