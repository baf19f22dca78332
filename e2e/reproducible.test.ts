/**
 * Do two machines make the same bytes? Without that no quorum means anything. Two honest nodes of two operators, as unlike as two
 * machines may be, build every device of the demo; what each of them signed is held against what the other did, file by file. And
 * a target that differs with every build is found, told of, and given to trusted nodes alone from then on.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { irreproducibleTarget } from '../farm/demo/releases-table.ts';
import { ADMIN_KEY, type FarmOperator, farmOperator, TWO_OF_TWO } from './players/farm-operator.ts';
import { type Answer, built, download, ended, poll, post } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

/** Whatever reaches a build from there would be seen in an archive, in an order of names or in a time. */
const ODD_MACHINE = {
  TZ: 'Pacific/Kiritimati',
  LANG: 'tr_TR.UTF-8',
  LC_ALL: 'tr_TR.UTF-8',
  SOURCE_DATE_EPOCH: '1',
  TAR_OPTIONS: '--mtime=@0',
  GZIP: '-1',
  MAKEFLAGS: '-j7',
  USER: 'somebody',
  HOSTNAME: 'elsewhere',
};

let stack: StackUnderTest;
let operator: FarmOperator;
const volunteers: NodeUnderTest[] = [];

beforeAll(async () => {
  stack = await StackUnderTest.start({
    irreproducible: true,
    variables: {
      ADMIN_KEY,
      TRUST_POLICY: JSON.stringify(TWO_OF_TWO),
      BUILDS_PER_MINUTE: '0',
      MISSES_PER_MINUTE: '0',
    },
  });
  operator = farmOperator(stack.url);
  await stack.startNode('trusted');
  await operator.act('trusted', 'drain');
  volunteers.push(await stack.startNode('plain', { tier: 'volunteer' }));
  const deep = path.join(
    stack.directory,
    'a',
    'state.directory',
    'as_deep',
    'as-a',
    'machine',
    'of',
    'strangers',
    'node',
  );
  await mkdir(path.dirname(deep), { recursive: true });
  const odd = { stateDirectory: deep, environment: ODD_MACHINE, umask: 0o077 };
  volunteers.push(await stack.startNode('odd', { tier: 'volunteer', ...odd }));
});
afterAll(() => stack?.close());

interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

/** What each node that vouches for a build signed of it, by its files. */
async function signedOf(hash: string): Promise<(readonly Subject[])[]> {
  const answer = await fetch(`${stack.url}/api/v1/build/${hash}/provenance`);
  const { statements } = (await answer.json()) as { statements: { payload: string }[] };
  return statements.map(({ payload }) => JSON.parse(Buffer.from(payload, 'base64').toString()).subject);
}

const digestsOf = (subjects: readonly Subject[] = []): Record<string, string> =>
  Object.fromEntries(subjects.map(({ name, digest }) => [name, digest.sha256]));

describe('two operators’ machines of other directories, umask, time zone and language', () => {
  const devices = ['24.10.2', '25.12.1', 'SNAPSHOT'].flatMap((version) => [
    { version, target: 'demo/generic', profile: '3oaks_pocket2' },
    { version, target: 'demo/generic', profile: 'acme_ax3000-v1' },
    { version, target: 'demo/generic', profile: 'umbra_NX500' },
    { version, target: 'demo64/generic', profile: 'generic' },
  ]);

  test('are there for every device that the mirror has', () => {
    const there = stack.mirror.releases.flatMap(({ version, targets }) =>
      targets.flatMap(({ target, profiles }) => profiles.map((profile) => ({ version, target, profile }))),
    );
    expect(devices).toEqual(there.filter(({ target }) => target !== irreproducibleTarget.target));
  });

  test.each(devices)('make equal bytes of every file of $profile, $version', async (device) => {
    const { status, body } = await built(stack.url, { ...device, packages: ['vim'] });
    expect(status, JSON.stringify(body)).toBe(200);
    const [one, other, ...more] = await signedOf(body.request_hash);
    expect(more).toEqual([]);
    expect(digestsOf(other)).toEqual(digestsOf(one));
    const files = Object.keys(digestsOf(one)).filter((name) => !name.startsWith('asu:'));
    expect(files).toEqual(expect.arrayContaining(['profiles.json', expect.stringMatching(/\.manifest$/)]));
    const sizes: string[] = [];
    for (const { name, size } of body.images as readonly { name: string; size: number }[]) {
      const { bytes, sha256 } = await download(stack.url, body.bin_dir, name);
      expect([sha256, bytes.length]).toEqual([digestsOf(one)[name], size]);
      sizes.push(`${name} (${size} bytes)`);
    }
    console.log(`${files.length} files are equal, the images ${sizes.join(', ')}`);
  });
});

describe('a target of which no two builds are equal', () => {
  const { target } = irreproducibleTarget;
  const keyed = (packages: readonly string[] = []) => ({ version: '24.10.2', target, profile: 'acme_keyed', packages });
  const measured = async () => {
    const answer = await fetch(`${stack.url}/api/v1/reproducibility`);
    const { targets } = (await answer.json()) as { targets: { branch: string; target: string }[] };
    return targets.find((one) => one.target === target);
  };
  /** By the beginning of the hash, as nodes say it. */
  const buildings = (hash: string): number[] =>
    volunteers.map(({ lines }) => lines.filter((line) => line.startsWith(`building ${hash.slice(0, 12)}`)).length);

  test('is decided by a trusted node, and neither of the volunteers is blamed', async () => {
    const { body } = await post(stack.url, keyed());
    const seen: Answer[] = [];
    await until('both have made it, each in its way', async () => {
      seen.push(await poll(stack.url, body.request_hash));
      return seen.at(-1)?.body.detail.includes('trusted node');
    });
    expect(buildings(body.request_hash)).toEqual([1, 1]);
    for (const { status } of seen) expect(status).toBe(202);
    await operator.act('trusted', 'undrain');
    const answer = await ended(stack.url, body.request_hash);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(await signedOf(body.request_hash)).toHaveLength(1);
    for (const { state } of await operator.nodes()) expect(state).toBe('active');
    await operator.act('trusted', 'drain');
  });

  test('is told of as such', async () => {
    expect(await until('it is found', measured)).toMatchObject({
      branch: '24.10',
      reproducible: false,
      agreed: 0,
      explained: 0,
    });
  });

  test('is not given to volunteers any more, who take what came later; a trusted node builds it', async () => {
    const { body } = await post(stack.url, keyed(['vim']));
    const later = await built(stack.url, { ...keyed(['vim']), target: 'demo/generic', profile: 'umbra_NX500' });
    expect(later.status, JSON.stringify(later.body)).toBe(200);
    const waits = await poll(stack.url, body.request_hash);
    expect([waits.status, waits.body.detail]).toEqual([
      202,
      'queued for a trusted node; none is here now, so it waits for one',
    ]);
    expect(buildings(body.request_hash)).toEqual([0, 0]);
    await operator.act('trusted', 'undrain');
    const answer = await ended(stack.url, body.request_hash);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(buildings(body.request_hash)).toEqual([0, 0]);
  });
});
