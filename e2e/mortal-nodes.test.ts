/**
 * A farm of which a third dies at random moments, again and again, while it makes two hundred images. What that may cost is
 * time: every client gets the image that it asked for, no build is tried more often than it may be, none is published twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { seeded } from '../bench/random.ts';
import { FUZZ_SEED } from '../shared/chance.fixture.ts';
import { EDGE_SETTINGS } from '../shared/edge-settings.ts';
import { PACKAGES, PROFILE, packagesOf, TARGET, VERSION } from './cheap-builds.ts';
import { writtenBuilds } from './evidence/foreman-tables.ts';
import { contentsOf } from './evidence/image-contents.ts';
import { storedNames } from './evidence/stored-names.ts';
import { ADMIN_KEY, type FarmOperator, farmOperator } from './players/farm-operator.ts';
import { type Answer, download, poll, post } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const BUILDS = 200;
const NODES = ['one', 'two', 'three', 'four', 'five', 'six'] as const;
/** A third. A build that both of them lost is left to the other four, so that three attempts are enough for all. */
const MORTAL: readonly string[] = NODES.slice(0, 2);
const BUCKET = 'asu-mortal-nodes';
/** After a build began its node dies within so long: at its start, in its middle, in the upload, between two, in the next. */
const DEATH_WITHIN_MS = 6_000;
const RETURN_WITHIN_MS = 1_500;
const SWEEP_MS = 300;
const PATIENCE_MS = 25 * 60_000;

const requestOf = (n: number) => ({
  version: VERSION,
  target: TARGET,
  profile: PROFILE,
  packages: packagesOf(n),
});

let stack: StackUnderTest;
let operator: FarmOperator;
const nodes = new Map<string, NodeUnderTest>();
let isOver = false;

beforeAll(async () => {
  console.log(`nodes die by FUZZ_SEED=${FUZZ_SEED}`);
  stack = await StackUnderTest.start({
    s3: inject('s3'),
    bucket: BUCKET,
    // A slow machine's node that lives must not be taken for dead; all are one client, and none of their builds may be lost.
    variables: { ADMIN_KEY, LEASE_SECONDS: '60', BUILDS_PER_MINUTE: '0', MISSES_PER_MINUTE: '0' },
  });
  operator = farmOperator(stack.url);
  await Promise.all(NODES.map(async (name) => nodes.set(name, await stack.startNode(name, { slots: 1 }))));
});
afterAll(async () => {
  isOver = true;
  await stack?.close();
});

const countOf = (node: NodeUnderTest, word: string): number =>
  node.lines.filter((line) => line.startsWith(word)).length;

/**
 * Kills the node whenever it has work, and lets it come back as who it was. A machine that keeps dying is drained by the
 * Foreman, and rightly; its operator believes in it all the same.
 */
async function dieAgainAndAgain(name: string, random: () => number): Promise<{ deaths: number; drains: number }> {
  const node = nodes.get(name) as NodeUnderTest;
  let [deaths, drains] = [0, 0];
  for (;;) {
    const begun = countOf(node, 'building');
    while (!isOver && countOf(node, 'building') === begun) {
      const self = (await operator.nodes()).find((one) => one.name === name);
      if (self?.state === 'draining' && (await operator.act(name, 'undrain'))) drains += 1;
      await sleep(SWEEP_MS);
    }
    if (isOver) return { deaths, drains };
    await sleep(random() * DEATH_WITHIN_MS);
    await node.kill();
    deaths += 1;
    await sleep(random() * RETURN_WITHIN_MS);
    const starts = countOf(node, 'ready');
    await node.restart();
    await until(`${name} is back`, () => countOf(node, 'ready') > starts);
  }
}

/** Asks for each build until it is there or failed. */
async function allAnswered(hashes: readonly string[]): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (answers.size < hashes.length) {
    for (const hash of hashes.filter((one) => !answers.has(one))) {
      const answer = await poll(stack.url, hash);
      if (answer.status !== 202 && answer.status < 501) answers.set(hash, answer);
    }
    if (Date.now() > giveUpAt) throw new Error(`${answers.size} of ${hashes.length} builds ended, then no more`);
    await sleep(SWEEP_MS);
  }
  return answers;
}

test(`${BUILDS} builds, each of which some node survives: ${BUILDS} right answers, nothing lost, nothing twice`, {
  timeout: PATIENCE_MS + 300_000,
}, async () => {
  const numbers = Array.from({ length: BUILDS }, (_, n) => n);
  const startedAt = Date.now();
  const hashes: string[] = [];
  for (const n of numbers) {
    const { status, body } = await post(stack.url, requestOf(n));
    expect(status, JSON.stringify(body)).toBe(202);
    hashes.push(body.request_hash);
  }
  expect(new Set(hashes).size).toBe(BUILDS);
  const deathsOf = Promise.all(MORTAL.map((name, at) => dieAgainAndAgain(name, seeded(FUZZ_SEED + at))));
  // Whoever fails first tells why.
  const answers = await Promise.race([allAnswered(hashes), deathsOf.then(() => expect.fail('nobody dies any more'))]);
  isOver = true;
  const deaths = await deathsOf;
  const seconds = Math.round((Date.now() - startedAt) / 1000);

  const digests = new Set<string>();
  for (const n of numbers) {
    const { status, body } = answers.get(hashes[n] ?? '') as Answer;
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body.request.packages).toEqual(packagesOf(n));
    expect(PACKAGES.filter((name) => Object.hasOwn(body.manifest, name))).toEqual(packagesOf(n));
    expect(body.images).toHaveLength(1);
    const { bytes, sha256 } = await download(stack.url, body.bin_dir, body.images[0].name);
    expect([sha256, bytes.length]).toEqual([body.images[0].sha256, body.images[0].size]);
    expect((await contentsOf(bytes)).packages).toEqual(packagesOf(n));
    digests.add(sha256);
  }
  expect(digests.size).toBe(BUILDS);

  const listed = await operator.nodes();
  expect(listed.reduce((sum, { right }) => sum + right, 0)).toBe(BUILDS);
  expect(listed.map(({ wrong }) => wrong)).toEqual(NODES.map(() => 0));

  await stack.killEdge();
  const written = await writtenBuilds(stack.directory);
  const tries = written.map((build) => build.leases.length);
  const lost = tries.reduce((sum, n) => sum + n - 1, 0);
  console.log(
    `${BUILDS} builds in ${seconds} s; ${deaths.map((one) => one.deaths).join(' + ')} deaths, ${lost} leases lost, ${tries.filter((n) => n === 3).length} builds lost twice, ${deaths.map((one) => one.drains).join(' + ')} times drained`,
  );
  expect(written.map((build) => build.requestHash).sort()).toEqual([...hashes].sort());
  expect(lost, 'somebody died in the middle of a build').toBeGreaterThan(0);
  for (const { state, attempts, leases } of written) {
    expect(state).toBe('done');
    expect(attempts).toBe(leases.length);
    expect(attempts).toBeLessThanOrEqual(Number(EDGE_SETTINGS.MAX_ATTEMPTS.fallback));
    expect(leases.filter((lease) => lease.state === 'active')).toEqual([]);
    expect(leases.filter((lease) => lease.endReason === 'image reported')).toHaveLength(1);
    // Who lost it is not given it again while there are others.
    expect(new Set(leases.map((lease) => lease.nodeId)).size).toBe(leases.length);
  }
  const records = await storedNames(inject('s3'), BUCKET, 'builds/');
  expect(records.filter((name) => hashes.some((hash) => name.includes(hash)))).toHaveLength(BUILDS);
  for (const hash of hashes) expect(records.filter((name) => name.includes(hash))).toHaveLength(1);
});
