/** A canary that was another image: a trusted node builds it before anything else, and that decides who lied. */
import { describe, expect, it, vi } from 'vitest';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { env } from '../../edge.fixture.ts';
import { failed, handedBack, type OpenedForeman } from '../foreman.fixture.ts';
import {
  canary,
  checks,
  dispute,
  image,
  MINUTE_MS,
  nodeOf,
  pass,
  published,
  submit,
  tally,
  trusted,
  volunteer,
  withChecks,
} from './checks.fixture.ts';

let foreman: OpenedForeman;

withChecks((opened) => {
  foreman = opened;
});

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
