import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { requestHash } from '../../../shared/request/intent.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, type OpenedForeman, submission, withForeman } from '../foreman.fixture.ts';
import { Foreman } from '../foreman.ts';
import type { Submission } from './queue.ts';
import { MAX_SUBMISSIONS } from './take-submissions.ts';

let foreman: OpenedForeman;
let intent: string;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
  // Of each test its own: what another one published or remembered is in the same store and the same KV.
  intent = sha256Hex(`intent of ${expect.getState().currentTestName}`);
});

const submit = (fields: Partial<Submission> = {}) => foreman.submit({ intentHash: intent, ...fields });

/** Brings the newest build of the intent to its end; its hash. */
async function build(): Promise<string> {
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  return order.requestHash;
}

async function fail(kind: string): Promise<string> {
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, failed(kind));
  return order.requestHash;
}

test('a hundred equal submissions at once are one build, and all are told of it', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => submit()));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await foreman.rows('builds')).toHaveLength(1);
  const orders = await Promise.all(Array.from({ length: 5 }, () => foreman.lease('a')));
  expect(orders.filter((order) => order !== null)).toHaveLength(1);
});

test('other intents are other builds, in the order in which they came', async () => {
  const positions = [];
  for (const text of ['one', 'two', 'three']) {
    const status = await submit({ intentHash: sha256Hex(text) });
    positions.push(status.state === 'queued' ? status.position : null);
  }
  expect(positions).toEqual([0, 1, 2]);
  const order = await foreman.order('a');
  expect(order.intentHash).toBe(sha256Hex('one'));
  expect(await foreman.status(requestHash(sha256Hex('three'), 1))).toMatchObject({ state: 'queued', position: 2 });
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  expect(await foreman.status(requestHash(sha256Hex('three'), 1))).toMatchObject({ state: 'queued', position: 1 });
});

test('a full queue takes no more, but tells of what it has', async () => {
  const answers = await runInDurableObject(foreman.stub, async (_, state) => {
    const narrow = new Foreman(state, { ...env, MAX_QUEUE: '2' });
    // A request would wait for the constructor by itself; a direct call has to be told.
    await state.blockConcurrencyWhile(async () => {});
    const wishes = ['one', 'two', 'three', 'one'].map((text) => submission({ intentHash: sha256Hex(text) }));
    return (await narrow.submit(wishes)).answers;
  });
  expect(answers).toMatchObject([
    { accepted: true, isNew: true },
    { accepted: true, isNew: true },
    { accepted: false, why: 'queue_full' },
    { accepted: true, isNew: false },
  ]);
  expect(await foreman.rows('builds')).toHaveLength(2);
});

test('one of several that cannot be taken takes nothing from the others', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const [one, other] = ['one', 'other'].map((text) => submission({ intentHash: sha256Hex(text) }));
  const broken = submission({ intentHash: sha256Hex('broken'), upstreamDigest: null as never });
  const { answers } = await foreman.calls.submit([one, broken, other] as Submission[]);
  expect(answers).toMatchObject([{ accepted: true }, { accepted: false, why: 'fault' }, { accepted: true }]);
  expect(await foreman.rows('builds')).toHaveLength(2);
});

test('more than one call may bring are not looked at', async () => {
  const many = Array.from({ length: MAX_SUBMISSIONS + 1 }, (_, n) => submission({ intentHash: sha256Hex(`${n}`) }));
  expect((await foreman.calls.submit(many)).answers).toHaveLength(MAX_SUBMISSIONS);
  expect(await foreman.rows('builds')).toHaveLength(MAX_SUBMISSIONS);
});

describe('the generation', () => {
  it('is the first for an intent that nobody asked for', async () => {
    expect(await submit()).toMatchObject({ state: 'queued', requestHash: requestHash(intent, 1) });
  });

  it('is the one that lives, whatever the sender has seen', async () => {
    await submit();
    expect(await submit({ seenGeneration: 7 })).toMatchObject({ requestHash: requestHash(intent, 1) });
    const order = await foreman.order('a');
    expect(await submit({ seenGeneration: 7 })).toMatchObject({ state: 'running' });
    await foreman.report('a', order.leaseId, 1, failed('conflict'));
  });

  it('is told as done to whom it is news', async () => {
    await submit();
    const hash = await build();
    expect(await submit({ seenGeneration: 0 })).toEqual({ state: 'done', requestHash: hash, generation: 1 });
  });

  it('is the next for whoever has seen the last and found it stale', async () => {
    await submit();
    await build();
    expect(await submit({ seenGeneration: 1 })).toMatchObject({
      state: 'queued',
      requestHash: requestHash(intent, 2),
    });
  });

  it('follows on what is published even where the Foreman has lost its tables', async () => {
    expect(await submit({ seenGeneration: 4 })).toMatchObject({ requestHash: requestHash(intent, 5) });
  });
});

describe('a failure of the request', () => {
  it('is remembered while upstream is the same, for FAILURE_SECONDS', async () => {
    await submit();
    const hash = await fail('image_too_big');
    const upstreamDigest = String((await foreman.build(hash)).upstream_digest);
    expect(await submit({ upstreamDigest })).toMatchObject({ state: 'failed', failure: { requestHash: hash } });
    vi.setSystemTime(Date.now() + configOf(env).FAILURE_SECONDS * 1000 - 1);
    expect(await submit({ upstreamDigest })).toMatchObject({ state: 'failed' });
    vi.setSystemTime(Date.now() + 1);
    expect(await submit({ upstreamDigest })).toMatchObject({
      state: 'queued',
      requestHash: requestHash(intent, 2),
    });
  });

  it('is forgotten at once when upstream has changed', async () => {
    await submit();
    await fail('unknown_package');
    expect(await submit({ upstreamDigest: 'e'.repeat(64) })).toMatchObject({ state: 'queued' });
  });

  it('is told to whoever asks for its hash, and lies in KV for the others', async () => {
    await submit();
    const hash = await fail('conflict');
    expect(await foreman.status(hash)).toMatchObject({
      state: 'failed',
      failure: { kind: 'conflict', detail: 'said the node' },
    });
    await vi.waitFor(async () => {
      expect(await env.CACHE.get(`result/build/${hash}`, 'json')).toMatchObject({
        kind: 'failed',
        failure: { kind: 'conflict' },
      });
      expect(await env.CACHE.get(`result/intent/${intent}`, 'json')).toMatchObject({ kind: 'failed' });
    }, EVENTUALLY);
  });

  it.each(['revision_changed', 'version_mismatch'])(
    'of one client’s conditions (%s) says nothing to the next',
    async (kind) => {
      const intentHash = sha256Hex(kind);
      await submit({ intentHash });
      const hash = await fail(kind);
      const upstreamDigest = String((await foreman.build(hash)).upstream_digest);
      expect(await submit({ intentHash, upstreamDigest })).toMatchObject({ state: 'queued' });
      expect(await env.CACHE.get(`result/intent/${intentHash}`)).toBeNull();
    },
  );
});

describe('a failure of ours', () => {
  it.each([
    'node_lost',
    'disk_full',
    'timeout',
    'upload_failed',
    'internal',
    'upstream_unavailable',
    'a_kind_of_tomorrow',
  ])('(%s) is tried by others, then told, and never remembered', async (kind) => {
    const intentHash = sha256Hex(`ours ${kind}`);
    await submit({ intentHash });
    let hash = '';
    for (let attempt = 1; attempt <= configOf(env).MAX_ATTEMPTS; attempt++) hash = await fail(kind);
    const told = kind === 'a_kind_of_tomorrow' ? 'internal' : kind;
    expect(await foreman.status(hash)).toMatchObject({ state: 'failed', failure: { kind: told } });
    const status = await foreman.status(hash);
    expect(status?.state === 'failed' && status.failure.detail).not.toContain('said the node');
    expect((await env.CACHE.list({ prefix: `result/build/${hash}` })).keys).toEqual([]);
    const upstreamDigest = String((await foreman.build(hash)).upstream_digest);
    expect(await submit({ intentHash, upstreamDigest })).toMatchObject({
      state: 'queued',
      requestHash: requestHash(intentHash, 2),
    });
  });
});

describe('ninety days after its end', () => {
  const MINUTE = 60_000;

  it('a build is forgotten with its leases and grants; votes stay, and its name is not used again', async () => {
    await submit();
    const hash = await fail('conflict');
    await submit({ intentHash: sha256Hex('image') });
    await build();
    // Something that rings; it is younger, and stays.
    vi.setSystemTime(Date.now() + 90 * 24 * 60 * MINUTE - MINUTE);
    await submit({ intentHash: sha256Hex('young') });
    await foreman.order('a');
    await foreman.alarm();
    expect(await foreman.rows('builds')).toHaveLength(3);
    vi.setSystemTime(Date.now() + 2 * MINUTE);
    await foreman.alarm();
    expect(await foreman.rows('builds')).toMatchObject([{ intent_hash: sha256Hex('young') }]);
    expect(await foreman.rows('leases')).toHaveLength(1);
    expect(await foreman.rows('uploads')).toEqual([]);
    expect(await foreman.rows('votes')).toHaveLength(2);
    expect(await foreman.status(hash)).toBeNull();
    expect(await submit()).toMatchObject({ state: 'queued', requestHash: requestHash(intent, 2) });
  });
});

test('nothing is known of a hash that nobody made', async () => {
  expect(await foreman.status('f'.repeat(64))).toBeNull();
});

test('a build’s secrets are gone from the table when it ends', async () => {
  await submit({ sealedDefaults: 'sealed', intentHash: sha256Hex('done') });
  const done = await build();
  await submit({ sealedDefaults: 'sealed', intentHash: sha256Hex('failed') });
  const broken = await fail('conflict');
  for (const hash of [done, broken])
    expect(await foreman.build(hash)).toMatchObject({ sealed_defaults: null, record: null });
});
