/** Builds with package feeds of strangers: whom they are given to, whose word publishes them, and what their owners cannot bring about. */
import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import type { FeedOptIn } from '../../../shared/trust/foreign-feeds.ts';
import { waitingDetail } from '../../../shared/trust/waits-for.ts';
import { type OpenedForeman, plansOf, withForeman } from '../foreman.fixture.ts';
import { Operators } from '../nodes/operators.ts';
import type { Order } from './give-lease.ts';

const OWN = 'https://feeds.example/own';
const OTHER = 'https://other.example/feed';
/** Whoever else was drawn has had its time. */
const LONG_MS = 3_600_000;

let foreman: OpenedForeman;
let intents = 0;
let keys = 0;

withForeman((opened) => {
  foreman = opened;
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** The hash of the build. */
async function submit(...urls: readonly string[]): Promise<string> {
  const repositories = urls.map((url, at) => `feed${at} ${url}`);
  const intentHash = sha256Hex(`foreign ${++intents}`);
  const status = await foreman.submit({ intentHash, request: normalizedRequest({ repositories }) });
  if (status.state !== 'queued') throw new Error(`expected it to wait, got ${status.state}`);
  return status.requestHash;
}

const asks = (id: string, feeds: FeedOptIn = null): Promise<Order | null> =>
  foreman.lease(id, `feeds-${++keys}`, { feeds });

async function volunteer(id: string, feeds: FeedOptIn = null): Promise<void> {
  await foreman.node(id, `op-${id}`, 'volunteer');
  await foreman.alter('UPDATE nodes SET feeds = ? WHERE id = ?', JSON.stringify(feeds), id);
  if (feeds === null) await foreman.alter('UPDATE nodes SET feeds = NULL WHERE id = ?', id);
}

/** Operators of volunteers that were there an hour ago: they count, and are not drawn. */
async function crowd(n: number, feeds: FeedOptIn = null): Promise<void> {
  for (let at = 0; at < n; at += 1) await volunteer(`crowd-${at}`, feeds);
  await foreman.alter("UPDATE nodes SET last_seen_at = last_seen_at - 3600000 WHERE id LIKE 'crowd-%'");
}

async function builds(id: string, feeds: FeedOptIn, text = 'an image'): Promise<Order> {
  pass(LONG_MS);
  const order = await asks(id, feeds);
  if (!order) throw new Error(`expected an order for ${id}`);
  await foreman.report(id, order.leaseId, 1, await foreman.success(id, order.leaseId, text));
  return order;
}

async function detailOf(hash: string): Promise<string> {
  const status = await foreman.status(hash);
  return status?.state === 'queued' ? waitingDetail(status.waitsFor) : String(status?.state);
}

const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);

describe('a build with a foreign feed', () => {
  it.each<[string, 'trusted' | 'volunteer', FeedOptIn, boolean]>([
    ['a volunteer that said nothing', 'volunteer', null, false],
    ['a volunteer that opted in to none', 'volunteer', [], false],
    ['a volunteer that opted in to another', 'volunteer', [OTHER], false],
    ['a volunteer that opted in to what only looks like it', 'volunteer', ['https://feeds.example/ow'], false],
    ['a volunteer that opted in', 'volunteer', [OTHER, 'https://feeds.example'], true],
    ['a trusted node that said nothing', 'trusted', null, true],
    ['a trusted node whose owner wants none', 'trusted', [], false],
    ['a trusted node that opted in', 'trusted', [OWN], true],
  ])('and %s', async (_, tier, feeds, isGiven) => {
    await foreman.node('n', 'op', tier);
    if (tier === 'trusted') await foreman.measured();
    await submit(OWN);
    expect((await asks('n', feeds)) !== null).toBe(isGiven);
  });

  it('and another one is for those that opted in to both', async () => {
    await volunteer('v');
    await submit(OWN, OTHER);
    expect(await asks('v', [OWN])).toBeNull();
    expect(await asks('v', [OTHER])).toBeNull();
    expect(await asks('v', [OTHER, OWN])).not.toBeNull();
  });

  it('is not for who opted in once and does not any more', async () => {
    await volunteer('v');
    expect(await asks('v', [OWN])).toBeNull();
    expect(await nodeOf('v')).toMatchObject({ feeds: JSON.stringify([OWN]) });
    await submit(OWN);
    expect(await asks('v', null)).toBeNull();
    expect(await nodeOf('v')).toMatchObject({ feeds: null });
  });

  it('is for trusted nodes alone where its target is not known to be reproducible', async () => {
    await volunteer('v');
    await foreman.measured(0);
    await submit(OWN);
    expect(await asks('v', [OWN])).toBeNull();
    await foreman.node('t');
    expect(await asks('t')).not.toBeNull();
  });

  it('does not keep who may not build it from what stands behind it', async () => {
    await volunteer('v');
    for (let at = 0; at < 40; at += 1) await submit(OTHER);
    const requestHash = await submit();
    expect(await asks('v', [OWN])).toMatchObject({ requestHash });
  });

  it('says what it waits for where nobody is there who would fetch from it', async () => {
    await volunteer('v');
    const requestHash = await submit(OWN);
    expect(await detailOf(requestHash)).toBe('queued for a trusted node; none is here now, so it waits for one');
  });
});

describe('what publishes it', () => {
  beforeEach(async () => {
    for (const id of ['v', 'w', 'x']) await volunteer(id, [OWN]);
  });

  it('is no volunteer’s word alone, and a trusted node’s', async () => {
    await crowd(10, [OWN]);
    const requestHash = await submit(OWN);
    await builds('v', [OWN]);
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'queued' });
    await foreman.node('t');
    await builds('t', null);
    await foreman.untilState(requestHash, 'done');
  });

  it('is as many operators as of any other build, and all of them opted in', async () => {
    await crowd(10, [OWN]);
    await volunteer('stranger');
    const requestHash = await submit(OWN);
    await builds('v', [OWN]);
    await builds('w', [OWN]);
    expect(await detailOf(requestHash)).toMatch(/^verifying: built by 2 of 3 independent operators/);
    pass(LONG_MS);
    expect(await asks('stranger')).toBeNull();
    await builds('x', [OWN]);
    await foreman.untilState(requestHash, 'done');
  });

  it('is no quorum of the few that opted in to a feed that nobody else fetches from', async () => {
    await crowd(10);
    await crowd(6, [OWN]);
    const requestHash = await submit(OWN);
    for (const id of ['v', 'w', 'x']) await builds(id, [OWN]);
    expect(await detailOf(requestHash)).toBe(
      'verifying: built once, and to be built by a trusted node; none is here now, so it waits for one',
    );
    await foreman.node('t');
    await builds('t', null);
    await foreman.untilState(requestHash, 'done');
  });
});

describe('whoever has the feed shows each who asks another one, and', () => {
  beforeEach(async () => {
    await crowd(10, [OWN]);
    await volunteer('v', [OWN]);
    await foreman.node('t', 'op-t');
    await foreman.measured();
    const requestHash = await submit(OWN);
    await builds('v', [OWN], 'of what v was shown');
    await builds('t', null, 'of what t was shown');
    await foreman.untilState(requestHash, 'done');
  });

  it('no honest node is put out', async () => {
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_wrong: 0, builds_right: 0 });
  });

  it('the target stays what it is known to be', async () => {
    expect(await foreman.rows('reproducibility')).toMatchObject([{ agreed: 5, unexplained: 0, explained: 0 }]);
  });
});

test('who opted in is counted among those that did, and not among all nodes', async () => {
  const details = await plansOf(foreman.stub, (db) => new Operators(db).activeFor([OWN], Date.now()));
  expect(details.join('\n')).toMatch(/USING INDEX nodes_opted_in/);
});
