/** Enough volunteers agree, and the farm is too small for that to count: it is decided once the farm has grown, and not before. */
import { describe, expect, it, test, vi } from 'vitest';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { env } from '../../edge.fixture.ts';
import { resultKey } from '../../results/result-key.ts';
import { bucket, failed, IMAGE, type OpenedForeman, plansOf, withForeman } from '../foreman.fixture.ts';
import { WHOM } from '../schema.ts';
import { type Crowd, crowdOf, pass } from './crowd.fixture.ts';
import { shelvedBuilds } from './shelf.ts';

let foreman: OpenedForeman;
let crowd: Crowd;

withForeman(async (opened) => {
  foreman = opened;
  crowd = crowdOf(opened);
  // With v and w nine.
  await crowd.join(7);
  await crowd.volunteers('v', 'w');
  await crowd.prove('v', 'w');
});

async function agreedUpon(): Promise<string> {
  const status = await crowd.submit();
  await crowd.image('v');
  await crowd.image('w');
  return 'requestHash' in status ? status.requestHash : '';
}

/** The tenth comes and asks for work, by which the alarm is set. */
async function tenthComes(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
  await crowd.volunteers('tenth');
  await meanwhile();
  pass(6_000);
  await foreman.lease('tenth');
  expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now() + 3_000);
  await foreman.alarm();
}

const attesters = async (hash: string) =>
  (await (await bucket.get(`builds/${hash}.json`))?.json<{ attesters: { nodeId: string }[] }>())?.attesters.map(
    ({ nodeId }) => nodeId,
  );

describe('an image that two have made in a farm of nine operators', () => {
  it('waits for a trusted node or for a tenth operator, and is published when that one comes', async () => {
    const hash = await agreedUpon();
    await foreman.alarm();
    expect(await foreman.status(hash)).toMatchObject({ state: 'queued', waitsFor: { kind: 'a trusted node' } });
    await tenthComes();
    await foreman.untilState(hash, 'done');
    expect(await attesters(hash)).toEqual(['v', 'w']);
    expect(await crowd.nodeOf('v')).toMatchObject({ builds_right: 1 });
    expect(await foreman.rows('shelved')).toEqual([]);
  });

  it('is published by a trusted node before, and nothing of it stays on the shelf', async () => {
    const hash = await agreedUpon();
    await foreman.node('t', 'op-t');
    await crowd.image('t');
    await foreman.untilState(hash, 'done');
    expect(await foreman.rows('shelved')).toEqual([]);
  });

  it('is not published once one of the two is believed no more', async () => {
    const hash = await agreedUpon();
    await foreman.calls.actOnNode('w', 'quarantine', '');
    await crowd.volunteers('another');
    await tenthComes();
    // Whoever is drawn may build it again, as if the other one had never spoken.
    expect(await foreman.build(hash)).toMatchObject({ record: null, needs_trust: WHOM.another });
    expect(await foreman.rows('shelved')).toEqual([]);
  });

  it('is not published once its target is found to differ', async () => {
    const hash = await agreedUpon();
    await tenthComes(() => foreman.measured(5, 1));
    expect(await foreman.status(hash)).toMatchObject({ state: 'queued', waitsFor: { kind: 'a trusted node' } });
  });

  it('is published while a trusted node is at it, which is told to stop', async () => {
    const hash = await agreedUpon();
    await foreman.node('t', 'op-t');
    const { leaseId } = await foreman.order('t');
    await tenthComes();
    await foreman.untilState(hash, 'done');
    expect((await foreman.rows('leases')).find(({ id }) => id === leaseId)).toMatchObject({ state: 'ended' });
  });

  it('whose files are gone meanwhile is built anew', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const hash = await agreedUpon();
    for (const { id } of await foreman.rows('leases')) await bucket.delete(`objects/${id}/${IMAGE}`);
    await tenthComes();
    pass(61_000);
    await vi.waitFor(async () => {
      await foreman.alarm();
      expect(await foreman.status(hash)).toMatchObject({ state: 'queued' });
    }, EVENTUALLY);
    log.mockRestore();
  });

  it('of which there are many goes page by page', async () => {
    const hashes: string[] = [];
    for (let at = 0; at < 18; at += 1) hashes.push(await agreedUpon());
    // That took many hours: all are there still, and somebody asks for each of the builds.
    await foreman.alter('UPDATE nodes SET last_seen_at = ?', String(Date.now()));
    await foreman.calls.status(hashes);
    await tenthComes();
    expect(await foreman.rows('shelved')).toHaveLength(2);
    await foreman.alarm();
    for (const hash of hashes) await foreman.untilState(hash, 'done');
  });
});

test('a failure that two have told of is remembered then, in the words of its kind', async () => {
  const status = await crowd.submit();
  const hash = 'requestHash' in status ? status.requestHash : '';
  for (const id of ['v', 'w']) {
    pass(300_000);
    const { leaseId } = await foreman.order(id);
    await foreman.report(id, leaseId, 1, failed('conflict'));
  }
  expect(await foreman.status(hash)).toMatchObject({ state: 'queued' });
  await tenthComes();
  expect(await foreman.status(hash)).toMatchObject({ state: 'failed', failure: { kind: 'conflict' } });
  await vi.waitFor(async () => expect(await env.CACHE.get(resultKey.build(hash))).not.toBeNull(), EVENTUALLY);
});

test('what fewer have made than it takes stays on no shelf', async () => {
  await crowd.submit();
  await crowd.image('v');
  expect(await foreman.rows('shelved')).toEqual([]);
});

test('what is due is found by index', async () => {
  for (const plan of await plansOf(foreman.stub, (db) => shelvedBuilds({ db }, 1, 0)))
    expect(plan).toMatch(/USING (COVERING )?INDEX/);
});
