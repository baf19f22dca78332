/** Builds of what is published already: who gets them, what they tell, and that nobody else notices. */
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import { trustPolicySchema } from '../../../shared/trust/policy.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { LIFETIMES } from '../../lifetimes.ts';
import { bucket, failed, handedBack, type OpenedForeman, plansOf, progress, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import { Checks, UPLOADS_STAY_MS } from './checks.ts';
import { KnownImages } from './known-images.ts';

const DEFAULTS = trustPolicySchema.parse({});
const { LEASE_SECONDS } = configOf(env);
const MINUTE_MS = 60_000;
let foreman: OpenedForeman;
let intents = 0;
let hoursLater = 0;

withForeman(
  async (opened) => {
    foreman = opened;
    await foreman.buildNothingAhead();
    await awake();
  },
  // One of them is only listed.
  (upstream) => upstream.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, '22.03.5': { 'x86/64': 'x86_64' } }),
);

afterEach(() => {
  vi.restoreAllMocks();
});

/** As in production: a Foreman that was evicted reads its settings anew, and those of tests have no checks. */
const awake = (fields: object = {}) => foreman.policy({ ...DEFAULTS, ...fields });
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const submit = (fields: object = {}) => foreman.submit({ intentHash: sha256Hex(`checks ${++intents}`), ...fields });
const trusted = (id = 't', operator = 'farm') => foreman.node(id, operator);
const volunteer = (id = 'v') => foreman.node(id, `op-${id}`, 'volunteer');
const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
const checks = () => foreman.rows('checks');
const tally = async () => (await foreman.rows('reproducibility')).find(({ target }) => target === 'x86/64');

async function image(id: string, { leaseId }: Order, text = 'an image'): Promise<void> {
  await foreman.report(id, leaseId, 1, await foreman.success(id, leaseId, text));
}

/** Published on the word of a trusted node. */
async function published(id = 't', fields: object = {}): Promise<Order> {
  await submit(fields);
  const order = await foreman.order(id);
  await image(id, order);
  await foreman.untilState(order.requestHash, 'done');
  return order;
}

/** A known image, and a volunteer that has been given it to build. */
async function canary(): Promise<{ readonly known: Order; readonly order: Order }> {
  await trusted();
  const known = await published();
  await volunteer();
  return { known, order: await foreman.order('v') };
}

/** A canary of `v` that was another image, and what a trusted node is given for it. */
async function dispute(by = 't', said: 'image' | 'failure' = 'image'): Promise<{ known: Order; order: Order }> {
  const { known, order } = await canary();
  if (said === 'image') await image('v', order, 'another image');
  else await foreman.report('v', order.leaseId, 1, failed('build_failed'));
  if (by !== 't') await trusted(by, 'farm');
  return { known, order: await foreman.order(by) };
}

describe('a canary', () => {
  it('is what a newcomer gets first; one that is right makes its node known and measures the target', async () => {
    const { known, order } = await canary();
    expect(await checks()).toMatchObject([{ kind: 'canary', state: 'leased', request_hash: known.requestHash }]);
    await image('v', order);
    expect(await checks()).toMatchObject([{ state: 'ended', outcome: 'right' }]);
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_right: 1, images: 0, builds_wrong: 0 });
    expect(await tally()).toMatchObject({ agreed: 6, unexplained: 0, explained: 0 });
    await foreman.policy({ canary_one_in: 1_000_000 });
    const { requestHash } = (await submit()) as { requestHash: string };
    expect((await foreman.order('v')).requestHash).toBe(requestHash);
  });

  it('looks like what it would be as an ordinary order, field by field', async () => {
    const { known, order } = await canary();
    await foreman.report('v', order.leaseId, 1, progress(3));
    await foreman.policy({ canary_one_in: 0 });
    await foreman.node('w', 'op-w', 'volunteer');
    await submit();
    const ordinary = await foreman.order('w');
    const { leaseId, requestHash, intentHash, nodeId, ...rest } = order;
    expect(rest).toEqual({
      attempt: ordinary.attempt,
      deadlineAt: ordinary.deadlineAt,
      request: ordinary.request,
      pins: ordinary.pins,
      versionUrl: ordinary.versionUrl,
      sealedDefaults: ordinary.sealedDefaults,
    });
    expect(Object.keys(order).sort()).toEqual(Object.keys(ordinary).sort());
    expect([leaseId, requestHash, nodeId].map((name) => name.length)).toEqual([36, 64, 1]);
    expect([requestHash, intentHash]).toEqual([known.requestHash, known.intentHash]);
    // Nor by what it may write.
    expect(await foreman.calls.refuseLog('v', leaseId)).toBeNull();
    expect(await foreman.lease('v', 'another question')).toBeNull();
  });

  it('changes nothing of the build that is published, nor of the queue', async () => {
    await trusted();
    const known = await published();
    const shown = async () => ({
      build: await foreman.build(known.requestHash),
      votes: await foreman.rows('votes'),
      record: await (await bucket.get(storeKey.build(known.requestHash)))?.json(),
      counters: await foreman.rows('counters'),
      log: await foreman.rows('log'),
      waiting: (await foreman.calls.stats()).waiting,
      live: (await foreman.calls.stats()).live,
    });
    const before = await shown();
    await volunteer();
    const order = await foreman.order('v');
    await foreman.report('v', order.leaseId, 1, progress(5));
    expect(await shown()).toEqual(before);
    await foreman.report('v', order.leaseId, 2, await foreman.success('v', order.leaseId));
    expect(await shown()).toEqual(before);
    expect(await foreman.status(known.requestHash)).toMatchObject({ state: 'done' });
  });

  it('is given in the place of a build, which is for the next one who comes', async () => {
    await trusted();
    await published();
    await foreman.alter("UPDATE nodes SET builds_right = 1 WHERE tier = 'volunteer'");
    await volunteer('v');
    await foreman.alter("UPDATE nodes SET builds_right = 1 WHERE tier = 'volunteer'");
    await foreman.policy({ canary_one_in: 1 });
    const { requestHash } = (await submit()) as { requestHash: string };
    const order = await foreman.order('v');
    expect(await checks()).toMatchObject([{ kind: 'canary', lease_id: order.leaseId }]);
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'queued', position: 0 });
    expect((await foreman.order('t')).requestHash).toBe(requestHash);
  });

  it.each([
    ['it was answered before: the same twice is no riddle', async () => undefined],
    [
      'upstream has moved',
      async () => {
        await foreman.alter("UPDATE votes SET inputs = 'older'");
        await foreman.alter("UPDATE known_images SET inputs = 'older'");
      },
    ],
    ['it was taken back', () => foreman.alter("UPDATE votes SET verdict = 'withdrawn'")],
    ['its node is revoked', () => foreman.calls.actOnNode('t', 'revoke', '').then(() => undefined)],
    ['its build was forgotten', () => foreman.alter('DELETE FROM builds')],
    ['the operator wants none', () => foreman.policy({ canary_one_in: 0 })],
  ])('is not given where %s, and the farm goes on as it does without', async (why, happens) => {
    await trusted();
    await published();
    await volunteer();
    if (why.startsWith('it was answered')) {
      await image('v', await foreman.order('v'));
      await foreman.alter("UPDATE nodes SET builds_right = 0 WHERE id = 'v'");
    }
    await happens();
    expect(await foreman.lease('v')).toBeNull();
    const { requestHash } = (await submit()) as { requestHash: string };
    expect((await foreman.order('v')).requestHash).toBe(requestHash);
  });

  it.each([
    ['private', { request: normalizedRequest({ defaultsMac: 'a'.repeat(64) }), sealedDefaults: 'sealed' }],
    ['of foreign feeds', { request: normalizedRequest({ repositories: ['mine https://feeds.example/mine'] }) }],
  ])('is never made of a build that is %s', async (_, fields) => {
    await trusted();
    await published('t', fields);
    expect(await foreman.rows('known_images')).toEqual([]);
    await volunteer();
    expect(await foreman.lease('v')).toBeNull();
  });

  it.each([
    ['given to another machine of its operator', 1, async () => undefined],
    ['taken back', 0, () => foreman.alter("UPDATE votes SET verdict = 'withdrawn'")],
    ['disputed', 0, () => foreman.alter("UPDATE known_images SET word = 'disputed'")],
  ])('is not given where it was %s while upstream was asked', async (_, given, happens) => {
    await trusted();
    await published();
    for (const id of ['v', 'v2']) await foreman.node(id, 'op-v', 'volunteer');
    // By then the catalogue's copy in memory, which outlives a test, is too old not to be looked at again.
    hoursLater += 1;
    pass(hoursLater * 60 * MINUTE_MS);
    const get = env.CACHE.get.bind(env.CACHE) as (...asked: unknown[]) => Promise<unknown>;
    const kv = { asked: 0, mayAnswer: false };
    vi.spyOn(env.CACHE, 'get').mockImplementation((async (...asked: unknown[]) => {
      kv.asked += 1;
      while (!kv.mayAnswer) await scheduler.wait(5);
      return get(...asked);
    }) as never);
    const asking = Promise.all([foreman.lease('v'), foreman.lease('v2')]);
    await vi.waitFor(() => expect(kv.asked).toBe(2), EVENTUALLY);
    await happens();
    kv.mayAnswer = true;
    expect((await asking).filter((order) => order !== null)).toHaveLength(given);
  });

  it('is no trusted node’s', async () => {
    await trusted();
    await published();
    await trusted('u', 'another farm');
    expect(await foreman.lease('u')).toBeNull();
  });
});

describe('a canary that is not built', () => {
  it.each([
    ['by a fault of its node', 1, (order: Order) => foreman.report('v', order.leaseId, 1, failed('disk_full'))],
    ['since it was handed back', 0, (order: Order) => foreman.report('v', order.leaseId, 1, handedBack)],
    ['since its node was revoked', 0, () => foreman.calls.actOnNode('v', 'revoke', '')],
    ['since nothing was heard of it', 1, async () => pass((LEASE_SECONDS + 1) * 1000)],
  ])('%s ends without a verdict, and its files go', async (_, lost, ends) => {
    const { order } = await canary();
    await foreman.upload('v', order.leaseId);
    await bucket.put(`${storeKey.logs(order.leaseId)}1`, 'a line');
    await ends(order);
    await foreman.alarm();
    await vi.waitFor(
      async () => expect(await checks()).toMatchObject([{ state: 'ended', outcome: 'lost' }]),
      EVENTUALLY,
    );
    expect(await nodeOf('v')).toMatchObject({ builds_right: 0, builds_wrong: 0, builds_lost: lost });
    await filesGo(order);
  });

  it('in words that its node did not sign is a lost lease', async () => {
    const { order } = await canary();
    const success = await foreman.success('v', order.leaseId, 'another image');
    expect(await foreman.report('v', order.leaseId, 1, foreman.unsigned(success))).toBe('ended');
    expect(await nodeOf('v')).toMatchObject({ builds_lost: 1, builds_wrong: 0 });
    expect((await checks()).map(({ kind }) => kind)).toEqual(['canary']);
  });

  it('is not taken once its lease is over', async () => {
    const { order } = await canary();
    const success = await foreman.success('v', order.leaseId, 'another image');
    await foreman.report('v', order.leaseId, 1, handedBack);
    await foreman.report('v', order.leaseId, 2, success);
    expect((await checks()).map(({ kind, said }) => [kind, said])).toEqual([['canary', null]]);
  });
});

test('no line of a log can come after the files of a check were removed', () => {
  // The permit that came with the order; or one that was remembered at the last moment at which its lease was active.
  expect(UPLOADS_STAY_MS).toBeGreaterThan(LIFETIMES.orderPermitMs);
  expect(UPLOADS_STAY_MS).toBeGreaterThan(LIFETIMES.logPermitMs + LIFETIMES.grantMs);
});

test('what was uploaded for a check is removed once nothing of it can come any more', async () => {
  const { known, order } = await canary();
  await bucket.put(`${storeKey.logs(order.leaseId)}1`, 'a line');
  await image('v', order);
  await filesGo(order);
  expect(await bucket.head(storeKey.object(known.leaseId, 'x-squashfs-combined.img.gz'))).not.toBeNull();
});

async function filesGo({ leaseId }: Order): Promise<void> {
  const left = async () =>
    (await Promise.all([storeKey.object(leaseId, ''), storeKey.logs(leaseId)].map((prefix) => bucket.list({ prefix }))))
      .flatMap(({ objects }) => objects)
      .map(({ key }) => key);
  expect(await left()).toHaveLength(2);
  pass(UPLOADS_STAY_MS + MINUTE_MS);
  expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now());
  await foreman.alarm();
  await vi.waitFor(async () => expect(await left()).toEqual([]), EVENTUALLY);
  await vi.waitFor(async () => expect((await checks())[0]).toMatchObject({ files: 'removed' }), EVENTUALLY);
}

describe('a canary that is another image', () => {
  it.each(['image', 'failure'] as const)(
    '(said as: %s) is built by a trusted node before anything else',
    async (said) => {
      const { known, order } = await dispute('t', said);
      expect(await checks()).toMatchObject([
        { kind: 'canary', state: 'ended', outcome: 'disputed', said: expect.stringContaining(said) },
        { kind: 'dispute', state: 'leased', accused: 'v', request_hash: known.requestHash },
      ]);
      expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_wrong: 0 });
      await image('t', order);
      expect(await nodeOf('v')).toMatchObject({ state: 'quarantined', state_by: 'foreman', builds_wrong: 1 });
      expect((await nodeOf('v'))?.state_reason).toContain(known.requestHash);
      expect(await tally()).toMatchObject({ agreed: 5, explained: 1, unexplained: 0 });
      expect(await foreman.rows('known_images')).toMatchObject([{ word: 'trusted' }]);
      expect(await foreman.status(known.requestHash)).toMatchObject({ state: 'done' });
    },
  );

  it('is before what waits', async () => {
    const { order } = await canary();
    await submit();
    await image('v', order, 'another image');
    const given = await foreman.order('t');
    expect((await checks())[1]).toMatchObject({ kind: 'dispute', state: 'leased', lease_id: given.leaseId });
  });

  it('tells that the target differs each time where the third one is another again: nobody is put out', async () => {
    const { order } = await dispute();
    await image('t', order, 'a third image');
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_wrong: 0 });
    expect(await tally()).toMatchObject({ unexplained: 1, explained: 0 });
    expect(await foreman.rows('known_images')).toEqual([]);
  });

  it('is nobody’s fault where the trusted node cannot build it any more', async () => {
    const { order } = await dispute();
    await foreman.report('t', order.leaseId, 1, failed('build_failed'));
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_wrong: 0 });
    expect(await tally()).toMatchObject({ unexplained: 0, explained: 0 });
    expect(await foreman.rows('known_images')).toEqual([]);
    expect(await nodeOf('t')).toMatchObject({ state: 'active', builds_lost: 0 });
  });

  it('is looked at by another trusted machine than the one that made the known one, where there is one', async () => {
    const { order } = await canary();
    await trusted('u');
    await foreman.lease('u');
    await image('v', order, 'another image');
    expect(await foreman.lease('t')).toBeNull();
    await image('u', await foreman.order('u'));
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined' });
  });

  it('waits for the other trusted machine only so long, if that is here and has no time for it', async () => {
    const { order } = await canary();
    await trusted('u');
    await foreman.lease('u');
    await image('v', order, 'another image');
    for (const minutes of [0, 9]) {
      pass(minutes * MINUTE_MS);
      await foreman.alter("UPDATE nodes SET last_seen_at = ? WHERE id = 'u'", String(Date.now()));
      expect(await foreman.lease('t')).toBeNull();
    }
    pass(MINUTE_MS);
    await foreman.alter("UPDATE nodes SET last_seen_at = ? WHERE id = 'u'", String(Date.now()));
    await image('t', await foreman.order('t'));
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined' });
  });

  /** Of two images and two volunteers, in the order in which trusted nodes get them. */
  async function twoDisputes() {
    await trusted();
    for (let at = 0; at < 2; at += 1) await published();
    for (const id of ['v', 'w']) {
      await volunteer(id);
      await image(id, await foreman.order(id), 'another image');
    }
    return (await checks()).filter(({ kind }) => kind === 'dispute');
  }

  it('that is for another machine keeps no other dispute back', async () => {
    const [first, second] = await twoDisputes();
    await trusted('u');
    await foreman.alter("UPDATE nodes SET last_seen_at = ? WHERE id = 'u'", String(Date.now()));
    await foreman.alter("UPDATE checks SET known_node = 'u' WHERE id = ?", String(second?.id));
    expect((await foreman.order('t')).requestHash).toBe(second?.request_hash);
    expect((await foreman.order('u')).requestHash).toBe(first?.request_hash);
  });

  it('for which upstream cannot be asked now keeps no other dispute back', async () => {
    const [first, second] = await twoDisputes();
    await foreman.alter(
      "UPDATE builds SET request = json_set(request, '$.version', '22.03.5') WHERE request_hash = ?",
      String(first?.request_hash),
    );
    vi.spyOn(env.CATALOGUE, 'getByName').mockImplementation(() => {
      throw new Error('the catalogue is away');
    });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect((await foreman.order('t')).requestHash).toBe(second?.request_hash);
    expect((await checks()).find(({ id }) => id === first?.id)).toMatchObject({ state: 'waiting' });
  });

  it.each(['t', 'u'])('puts nobody out where nobody has measured its target, though trusted %s agrees', async (by) => {
    const { order } = await canary();
    await foreman.measured(0);
    await image('v', order, 'another image');
    if (by !== 't') await trusted(by);
    await image(by, await foreman.order(by));
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_wrong: 0 });
    expect((await checks())[1]).toMatchObject({ outcome: 'unclear' });
    expect(await tally()).toMatchObject({ agreed: 0, explained: 0, unexplained: 0 });
    // Others may measure by it, and `v` has had its say.
    expect(await foreman.rows('known_images')).toMatchObject([{ word: 'trusted' }]);
    expect(await foreman.rows('measurers')).toEqual([{ branch: '24.10', target: 'x86/64', operator: 'op-v' }]);
  });

  it('is given once more where the trusted node loses it, three times in all', async () => {
    let { order } = await dispute();
    for (const [at, left] of ['waiting', 'waiting', 'ended'].entries()) {
      await foreman.report('t', order.leaseId, 1, failed('disk_full'));
      await foreman.alarm();
      await vi.waitFor(
        async () => expect((await checks()).at(-1)).toMatchObject({ state: left, tries: Math.min(at + 1, 2) }),
        EVENTUALLY,
      );
      // Not at once: it may be stopping.
      expect(await foreman.lease('t')).toBeNull();
      pass(MINUTE_MS);
      if (left === 'waiting') order = await foreman.order('t');
    }
    expect(await foreman.lease('t')).toBeNull();
    expect(await nodeOf('v')).toMatchObject({ state: 'active' });
  });

  it('is tried by nobody who hands it back, however often: the liar is found all the same', async () => {
    let { order } = await dispute();
    for (let times = 0; times < 4; times += 1) {
      await foreman.report('t', order.leaseId, 1, handedBack);
      await foreman.alarm();
      await vi.waitFor(
        async () => expect((await checks()).at(-1)).toMatchObject({ state: 'waiting', tries: 0 }),
        EVENTUALLY,
      );
      pass(MINUTE_MS);
      order = await foreman.order('t');
    }
    await image('t', order);
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined' });
  });

  it('is brought to nobody: a host behind an address has not shown that it is the node', async () => {
    const { order } = await canary();
    await image('v', order, 'another image');
    await foreman.calls.setAddress('t', 'https://node.example');
    expect(await foreman.calls.orderToBring('t')).toBeNull();
    expect((await checks())[1]).toMatchObject({ kind: 'dispute', state: 'waiting' });
    expect((await foreman.order('t')).requestHash).toBe(order.requestHash);
  });

  it('is disputed once, however many the same node makes', async () => {
    await trusted();
    for (let at = 0; at < 2; at += 1) await published();
    await volunteer();
    await submit();
    const ask = { slots: 2 };
    const orders = [await foreman.lease('v', 'one', ask), await foreman.lease('v', 'two', ask)];
    for (const order of orders) if (order) await image('v', order, 'another image');
    expect((await checks()).map(({ kind }) => kind).sort()).toEqual(['canary', 'canary', 'dispute']);
  });
});

describe('an idle volunteer', () => {
  /** A farm of which no target is measured, with something to measure by. */
  async function unmeasured(images = 1, volunteers: readonly string[] = ['v', 'w']): Promise<void> {
    await foreman.measured(0);
    await trusted();
    for (let at = 0; at < images; at += 1) await published();
    for (const id of volunteers) await volunteer(id);
    await foreman.measured(0);
    await foreman.alter('UPDATE nodes SET builds_right = 1');
  }

  it('measures targets, one at a time, until as many operators agree as it takes for them to be known', async () => {
    const operators = Array.from({ length: DEFAULTS.agreements }, (_, at) => `v${at}`);
    await unmeasured(2, [...operators, 'w']);
    await submit();
    for (const [at, id] of operators.entries()) {
      // The build that waits is for a trusted node: nobody has measured its target.
      const order = await foreman.order(id);
      expect(await foreman.lease('w')).toBeNull();
      await image(id, order);
      expect(await tally()).toMatchObject({ agreed: at + 1 });
    }
    await foreman.policy({ canary_one_in: 1_000_000 });
    const ends = await foreman.lease('w');
    expect(ends).toBeNull();
    await submit();
    expect(await checks()).toHaveLength(DEFAULTS.agreements);
    expect(await foreman.order('w')).toMatchObject({ attempt: 1 });
    expect(await checks()).toHaveLength(DEFAULTS.agreements);
  });

  it('has one say about a target, with all machines of its operator: what is published can be downloaded', async () => {
    await unmeasured(3, ['v']);
    await foreman.node('v2', 'op-v', 'volunteer');
    await foreman.measured(0);
    await image('v', await foreman.order('v'));
    for (const id of ['v', 'v2']) expect(await foreman.lease(id)).toBeNull();
    // Nor by such as were given for other reasons.
    await foreman.policy({ reproducible: ['* *'], canary_one_in: 1 });
    await submit();
    for (const id of ['v', 'v2']) await image(id, await foreman.order(id));
    expect((await checks()).map(({ outcome }) => outcome)).toEqual(['right', 'right', 'right']);
    expect(await tally()).toMatchObject({ agreed: 1 });
    expect(await nodeOf('v')).toMatchObject({ builds_right: 3, images: 0 });
  });

  it.each([
    ['where a difference was seen', () => foreman.measured(0, 1)],
    ['where volunteers are to build no releases', () => foreman.policy({ trusted_only: ['release'] })],
    ['where there are to be no canaries', () => foreman.policy({ canary_one_in: 0 })],
  ])('measures nothing %s', async (_, happens) => {
    await unmeasured();
    await happens();
    expect(await foreman.lease('v')).toBeNull();
  });
});

describe('evicted', () => {
  const lives: Readonly<Record<string, readonly (() => Promise<unknown>)[]>> = {
    'a canary that is another image': [
      async () => trusted(),
      async () => published(),
      async () => volunteer(),
      async () => void orders.push(await foreman.order('v')),
      async () => foreman.upload('v', orders[0]?.leaseId ?? '', undefined, 'another image'),
      async () => image('v', orders[0] as Order, 'another image'),
      async () => void orders.push(await foreman.order('t')),
      async () => foreman.upload('t', orders[1]?.leaseId ?? ''),
      async () => image('t', orders[1] as Order),
    ],
  };
  let orders: Order[] = [];
  beforeEach(() => {
    orders = [];
  });

  it.each(Object.entries(lives))('after each step of %s, it ends as it does undisturbed', async (_, steps) => {
    for (const step of steps) {
      await step();
      await evictDurableObject(foreman.stub);
      await awake();
    }
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined', builds_wrong: 1 });
    expect((await checks()).map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['canary', 'disputed'],
      ['dispute', 'lie'],
    ]);
  });

  it('an order whose answer was lost is given again, the same', async () => {
    await trusted();
    await published();
    await volunteer();
    const order = await foreman.lease('v', 'a key');
    await evictDurableObject(foreman.stub);
    await awake();
    expect(await foreman.lease('v', 'a key')).toEqual(order);
    expect(order).not.toBeNull();
  });
});

test('checks and known images are found by index, however many there are', async () => {
  await canary();
  const plans = await plansOf(foreman.stub, (db) => {
    const known = new KnownImages(db);
    known.drawn('');
    known.drawn('b'.repeat(64));
    known.drawnToMeasure();
    known.of('a');
    known.ofQuorum('abc');
    known.measured({ branch: '24.10', target: 'x86/64' });
    known.forget(0, 1);
    const table = new Checks(db);
    table.byId(1);
    for (const kind of ['dispute', 'rebuild'] as const) table.next(kind);
    table.hadBy('op-v', 'a');
    table.isMeasured({ branch: '24.10', target: 'x86/64' });
    table.isAccused('v');
    table.isRebuilt('a');
    table.lost();
    table.settling();
    table.toClean(0);
    table.nextDueAt();
    table.forget(0, 1);
  });
  expect(plans.filter((plan) => /^SCAN (?!CONSTANT)/.test(plan) && !plan.includes('USING'))).toEqual([]);
  expect(plans.filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([]);
  expect(plans.join('\n')).toContain('known_images_by_builder');
});
