/** What passes for a good image, and that another one does not, though it may be good itself. */
import { describe, expect, it, test } from 'vitest';
import { attesterOf, headOf, publication } from './provenance.fixture.ts';
import { nodeKey, ordered, output } from './statement.fixture.ts';
import {
  after,
  failures,
  good,
  IMAGE,
  next,
  recordOf,
  stranger,
  verdict,
  volunteers,
  whole,
} from './verify-image.fixture.ts';
import type { Evidence } from './verify-image.ts';

describe('a good image', () => {
  it('passes every check by what lies beside it alone, and tells how to make it again', async () => {
    const { checks, recipe } = await verdict();
    expect(checks.map(({ check, ok }) => [check, ok])).toEqual([
      ['image', true],
      ['summary', true],
      ['statements', true],
      ['nodes', true],
      ['record', true],
    ]);
    expect(recipe).toMatchObject({
      internalParameters: { command: expect.arrayContaining(['make', 'image']), sourceDateEpoch: 1_750_000_000 },
    });
  });

  it('passes with the log up to its head', async () => {
    const { checks } = await verdict({ log: await whole() });
    expect(checks.at(-1)).toEqual({
      check: 'log',
      ok: true,
      told: 'unbroken from record 1 to 3, the head of 2025-11-13T02:14:20.000Z',
    });
    expect(checks.every(({ ok }) => ok)).toBe(true);
  });

  it('passes with a part of a long log, and says so', async () => {
    const { head } = await whole();
    const { checks } = await verdict({ log: { head, behind: [recordOf(next)], isPart: true } });
    expect(checks.at(-1)).toEqual({
      check: 'log',
      ok: true,
      told: 'unbroken from record 1 to 2, of 3; more was not asked for',
    });
    expect(await failures({ log: { head, behind: [recordOf(after)], isPart: true } })).toEqual({
      log: expect.stringContaining('expected record 2'),
    });
  });

  it.each<[string, () => Promise<Partial<Evidence>>, string]>([
    ['no log', async () => ({}), 'a trusted node; who was disowned since is not known here'],
    [
      'a head that is not believed',
      async () => ({ log: { head: await headOf(after.place, [], stranger), behind: [] } }),
      'a trusted node; who was disowned since is not known here',
    ],
    ['the log', async () => ({ log: await whole() }), 'a trusted node, none disowned since'],
    [
      'the log, and one too many that was disowned',
      async () => {
        const nodes = [...volunteers('a', 'b'), { key: stranger, attester: attesterOf(stranger, 'c', 'volunteer') }];
        const { provenance, place } = await publication({ nodes, rule: { rule: 'operators', operators: 2 } });
        return { provenance, log: { head: await headOf(place, [attesterOf(stranger).id]), behind: [] } };
      },
      '2 operators that agree; of others some were disowned since',
    ],
  ])('tells by whose word it counts, with %s', async (_, fields, told) => {
    const { checks } = await verdict(await fields());
    expect(checks.find(({ check }) => check === 'nodes')).toEqual({ check: 'nodes', ok: true, told });
  });

  it('does not pass as a file beside it, about which nodes need not agree', async () => {
    expect(await failures({ imageSha256: '5'.repeat(64) })).toEqual({
      image: expect.stringContaining('nobody vouches'),
    });
  });

  it('passes with a first-boot script by its salt', async () => {
    const { provenance } = await publication({ salt: 'd'.repeat(64) });
    expect(await failures({ provenance })).toEqual({});
  });

  it('passes on the word of two operators', async () => {
    const { provenance } = await publication({ nodes: volunteers('a', 'b') });
    expect(await failures({ provenance, log: { head: await headOf(good.place), behind: [] } })).toEqual({
      log: expect.stringContaining('record 1 is not the one that the head names'),
    });
    expect(await failures({ provenance })).toEqual({});
  });

  it('passes without a statement where the server says that there was none', async () => {
    const nodes = [{ key: nodeKey, attester: attesterOf(nodeKey) }];
    const { provenance } = await publication({ nodes, unstated: true });
    expect(provenance.statements).toEqual([]);
    expect(await failures({ provenance })).toEqual({});
    expect((await verdict({ provenance })).recipe).toBeNull();
  });
});

test('a flipped byte of the image: nobody vouches for it', async () => {
  expect(await failures({ imageSha256: `5${IMAGE.slice(1)}` })).toEqual({
    image: `nobody vouches for these bytes, sha256 5${IMAGE.slice(1)}`,
  });
});

test('of an image that nobody signed anything of that is said', async () => {
  expect(await failures({ provenance: null })).toEqual({ summary: expect.stringContaining('there is no provenance') });
});

describe('an image that is good, and not the one that was asked for, is found', () => {
  const { requestHash: own } = ordered();

  it.each<[string, NonNullable<Evidence['asked']>, string]>([
    ['of another build', { requestHash: '7'.repeat(64), fileName: 'image.bin' }, `and not of build ${'7'.repeat(64)}`],
    ['of another build, whatever it is called', { requestHash: '7'.repeat(64) }, 'as was asked for'],
    ['of the same build, for another purpose', { requestHash: own, fileName: 'factory.bin' }, 'and not factory.bin'],
  ])('%s', async (_, asked, told) => {
    expect(await failures({ asked })).toEqual({ image: expect.stringContaining(told) });
  });

  it('and the one that was asked for passes', async () => {
    expect(await failures({ asked: { requestHash: own, fileName: 'image.bin' } })).toEqual({});
    expect(await failures({ asked: {} })).toEqual({});
  });

  it('and so does one of two names for the same bytes, each of them', async () => {
    const files = [...output.files, { name: 'other.bin', sha256: IMAGE }];
    const { provenance } = await publication({ output: { ...output, files } });
    for (const fileName of ['image.bin', 'other.bin'])
      expect(await failures({ provenance, asked: { fileName } })).toEqual({});
  });
});
