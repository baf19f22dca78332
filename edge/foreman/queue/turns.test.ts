import { beforeEach, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { openUpstream } from '../../edge.fixture.ts';
import { AHEAD, type OpenedForeman, openForeman, submission } from '../foreman.fixture.ts';

let foreman: OpenedForeman;

beforeEach(async () => {
  await openUpstream();
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  foreman = openForeman();
  await foreman.node('a');
});

/** Submits these builds, `client number`, and says in which order they are given out. */
async function orderOf(...asked: readonly string[]): Promise<readonly string[]> {
  const names = new Map<string, string>();
  for (const name of asked) {
    const status = await foreman.submit({ intentHash: sha256Hex(name), clientKey: name.split(' ')[0] ?? '' });
    if (status.state === 'queued') names.set(status.requestHash, name);
  }
  return leaseAll(names);
}

async function leaseAll(names: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const given: string[] = [];
  for (let order = await foreman.lease('a'); order; order = await foreman.lease('a'))
    given.push(names.get(order.requestHash) ?? order.requestHash);
  return given;
}

it('gives one client what it asked for in the order in which it asked', async () => {
  expect(await orderOf('x 1', 'x 2', 'x 3')).toEqual(['x 1', 'x 2', 'x 3']);
});

it('gives who asks for one image a place in the first round, behind a thousand of another or not', async () => {
  expect(await orderOf('x 1', 'x 2', 'x 3', 'x 4', 'y 1')).toEqual(['x 1', 'y 1', 'x 2', 'x 3', 'x 4']);
});

it('takes clients in turn while all of them wait', async () => {
  expect(await orderOf('x 1', 'x 2', 'x 3', 'y 1', 'y 2', 'z 1')).toEqual(['x 1', 'y 1', 'z 1', 'x 2', 'y 2', 'x 3']);
});

it('owes nothing to a client that was away: it begins with the turn that is on', async () => {
  expect(await orderOf('x 1', 'x 2', 'x 3')).toHaveLength(3);
  expect(await orderOf('y 1', 'y 2', 'x 4', 'x 5')).toEqual(['y 1', 'x 4', 'y 2', 'x 5']);
});

it('keeps the turn of a build that comes back from a node', async () => {
  await foreman.submit({ intentHash: sha256Hex('first'), clientKey: 'x' });
  const { leaseId, requestHash } = await foreman.order('a');
  const others = new Map([[requestHash, 'first']]);
  for (const name of ['y 1', 'y 2']) {
    const status = await foreman.submit({ intentHash: sha256Hex(name), clientKey: 'y' });
    if (status.state === 'queued') others.set(status.requestHash, name);
  }
  await foreman.report('a', leaseId, 1, { case: 'handedBack', value: { reason: 'the node stops' } });
  expect(await leaseAll(others)).toEqual(['first', 'y 1', 'y 2']);
});

it('takes a build in the earliest turn of those who ask for it', async () => {
  const many = ['x 1', 'x 2', 'x 3', 'x 4'];
  const names = new Map<string, string>();
  for (const name of many) {
    const status = await foreman.submit({ intentHash: sha256Hex(name), clientKey: 'x' });
    if (status.state === 'queued') names.set(status.requestHash, name);
  }
  await foreman.submit({ intentHash: sha256Hex('x 4'), clientKey: 'z' });
  expect(await leaseAll(names)).toEqual(['x 1', 'x 4', 'x 2', 'x 3']);
});

it('forgets clients whose turn has passed, and whose build has ended', async () => {
  await orderOf('x 1', 'y 1');
  const [first] = await foreman.rows('builds');
  expect(await foreman.rows('clients')).toHaveLength(2);
  await foreman.alarm();
  expect(await foreman.rows('clients')).toEqual([]);
  expect(first?.client_key).toBe('x');
});

it('gives volunteers what lies behind any number of builds that are for trusted nodes alone', async () => {
  await foreman.node('v', 'another', 'volunteer');
  const plain = submission().request;
  for (let at = 0; at < 40; at += 1)
    await foreman.submit({
      intentHash: sha256Hex(`p${at}`),
      request: { ...plain, repositories: ['own https://e.example/'] },
    });
  await foreman.submit({ intentHash: sha256Hex('public') });
  expect((await foreman.order('v')).request.repositories).toEqual([]);
});

it('gives a node first what it has an ImageBuilder for, until the build that is overtaken has waited for long', async () => {
  const [mine, other] = ['a'.repeat(64), 'f'.repeat(64)];
  const submit = (name: string, imageBuilder: string) => foreman.submit({ intentHash: sha256Hex(name), imageBuilder });
  const first = await submit('first', other);
  const second = await submit('second', mine);
  const third = await submit('third', mine);
  const hashOf = (status: typeof first) => (status.state === 'queued' ? status.requestHash : '');
  expect((await foreman.lease('a', 'key-one', { held: [mine] }))?.requestHash).toBe(hashOf(second));
  // Longer than most beside it.
  vi.setSystemTime(Date.now() + 31_000);
  const fourth = await submit('fourth', mine);
  const fifth = await submit('fifth', mine);
  expect((await foreman.lease('a', 'key-two', { held: [mine] }))?.requestHash).toBe(hashOf(first));
  for (const next of [third, fourth, fifth])
    expect((await foreman.lease('a', `key-of-${hashOf(next)}`, { held: [mine] }))?.requestHash).toBe(hashOf(next));
});
