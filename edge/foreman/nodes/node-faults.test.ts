import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, handedBack, type OpenedForeman, openForeman, withForeman } from '../foreman.fixture.ts';

const leaseMs = configOf(env).LEASE_SECONDS * 1000;
let foreman: OpenedForeman;
let intents = 0;

withForeman(async (opened) => {
  foreman = opened;
  for (const id of ['a', 'b', 'c']) await foreman.node(id, `op-${id}`);
});

const submit = () => foreman.submit({ intentHash: sha256Hex(`faults ${++intents}`) });
const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
const stateOf = async (id: string) => (await nodeOf(id))?.state;

/** A new build that this node gets and fails, and that another one makes an image of. */
async function failOne(id: string, kind = 'disk_full', rescuer = 'c'): Promise<void> {
  await submit();
  const { leaseId } = await foreman.order(id);
  await foreman.report(id, leaseId, 1, failed(kind));
  const again = await foreman.order(rescuer);
  await foreman.report(rescuer, again.leaseId, 1, await foreman.success(rescuer, again.leaseId));
}

describe('three different builds that fail in a row on one node alone', () => {
  it('drain it, and it is told why', async () => {
    for (const kind of ['disk_full', 'internal', 'a kind of tomorrow']) {
      expect(await stateOf('a')).toBe('active');
      await failOne('a', kind);
    }
    expect(await nodeOf('a')).toMatchObject({
      state: 'draining',
      state_by: 'foreman',
      state_reason: expect.stringMatching(
        /^3 different builds in a row failed on this node.*disk_full, internal, internal$/,
      ),
      builds_lost: 3,
    });
    await submit();
    expect(await foreman.lease('a')).toBeNull();
    expect(await foreman.lease('b')).not.toBeNull();
  });

  it('do so also when nothing more is heard of it each time', async () => {
    for (let at = 0; at < 3; at += 1) {
      await submit();
      await foreman.order('a');
      vi.setSystemTime(Date.now() + leaseMs);
      // The others are there meanwhile.
      for (const id of ['b', 'c']) await foreman.calls.renew(id);
      await foreman.alarm();
      const again = await foreman.order('c');
      await foreman.report('c', again.leaseId, 1, await foreman.success('c', again.leaseId));
    }
    expect(await nodeOf('a')).toMatchObject({ state: 'draining', builds_lost: 3 });
  });

  it('and it builds again when an operator says so, with a clean slate', async () => {
    for (let at = 0; at < 3; at += 1) await failOne('a');
    await foreman.calls.actOnNode('a', 'undrain', '');
    await failOne('a');
    await failOne('a');
    expect(await nodeOf('a')).toMatchObject({ state: 'active', builds_lost: 5 });
    await failOne('a');
    expect(await stateOf('a')).toBe('draining');
  });

  it.each<[string, () => Promise<void>]>([
    [
      'an image',
      async () => {
        await submit();
        const { leaseId } = await foreman.order('a');
        await foreman.report('a', leaseId, 1, await foreman.success('a', leaseId));
      },
    ],
    [
      'a failure that is the request’s',
      async () => {
        await submit();
        const { leaseId } = await foreman.order('a');
        await foreman.report('a', leaseId, 1, failed('conflict'));
      },
    ],
  ])('are none with %s between them', async (_, work) => {
    await failOne('a');
    await failOne('a');
    await work();
    await failOne('a');
    expect(await stateOf('a')).toBe('active');
  });

  it('are three, however often it says again what it said of an older build', async () => {
    await submit();
    const { leaseId } = await foreman.order('a');
    await foreman.report('a', leaseId, 1, failed('conflict'));
    for (let at = 0; at < 3; at += 1) {
      vi.setSystemTime(Date.now() + 1000);
      await failOne('a');
      await foreman.report('a', leaseId, 2 + at, failed('conflict'));
    }
    expect(await stateOf('a')).toBe('draining');
  });

  it('are none where the node handed builds back', async () => {
    for (let at = 0; at < 4; at += 1) {
      await submit();
      const { leaseId } = await foreman.order('a');
      await foreman.report('a', leaseId, 1, handedBack);
      const again = await foreman.order('c');
      await foreman.report('c', again.leaseId, 1, await foreman.success('c', again.leaseId));
    }
    expect(await nodeOf('a')).toMatchObject({ state: 'active', builds_lost: 0 });
  });
});

test('builds that a node had at the same time are lost for one cause', async () => {
  const orders = [];
  for (let at = 0; at < 4; at += 1) await submit();
  for (let at = 0; at < 4; at += 1) orders.push(await foreman.order('a'));
  vi.setSystemTime(Date.now() + 1000);
  for (const { leaseId } of orders) {
    await foreman.report('a', leaseId, 1, failed('node_lost'));
    vi.setSystemTime(Date.now() + 1000);
  }
  expect(await nodeOf('a')).toMatchObject({ state: 'active', builds_lost: 4 });
});

test('one lost lease counts once, whatever is said of it later', async () => {
  await submit();
  const { leaseId } = await foreman.order('a');
  vi.setSystemTime(Date.now() + leaseMs);
  await foreman.alarm();
  await foreman.report('a', leaseId, 1, failed('internal'));
  await foreman.report('a', leaseId, 2, failed('internal'));
  expect(await nodeOf('a')).toMatchObject({ builds_lost: 1 });
});

describe('a build that breaks whoever takes it', () => {
  it('drains nobody, however often such builds come', async () => {
    for (let at = 0; at < 4; at += 1) {
      await submit();
      for (const id of ['a', 'b', 'c']) {
        const { leaseId } = await foreman.order(id);
        await foreman.report(id, leaseId, 1, failed('timeout'));
      }
    }
    expect(await foreman.rows('nodes')).toMatchObject([
      { state: 'active', faults: '[]', builds_lost: 4 },
      { state: 'active', faults: '[]' },
      { state: 'active', faults: '[]' },
    ]);
  });

  it('lets a node come back that was drained for it', async () => {
    await submit();
    const { leaseId } = await foreman.order('a');
    await foreman.report('a', leaseId, 1, failed('timeout'));
    // Nobody has taken it yet, and the next two are built elsewhere.
    const slow = await foreman.order('b');
    await failOne('a');
    await failOne('a');
    expect(await stateOf('a')).toBe('draining');
    await foreman.report('b', slow.leaseId, 1, failed('timeout'));
    // A third one may yet make it.
    expect(await stateOf('a')).toBe('draining');
    const third = await foreman.order('c');
    await foreman.report('c', third.leaseId, 1, failed('timeout'));
    expect(await nodeOf('a')).toMatchObject({ state: 'active', state_reason: '' });
    await failOne('a');
    expect(await stateOf('a')).toBe('draining');
  });

  it('is not told by a stranger alone: a trusted machine is drained, whatever a volunteer lost on purpose', async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    for (let at = 0; at < 3; at += 1) {
      await submit();
      const lie = await foreman.order('v');
      await foreman.report('v', lie.leaseId, 1, failed('timeout'));
      const { leaseId } = await foreman.order('a');
      await foreman.report('a', leaseId, 1, failed('timeout'));
      const again = await foreman.order('c');
      await foreman.report('c', again.leaseId, 1, await foreman.success('c', again.leaseId));
    }
    expect([await stateOf('a'), await stateOf('v')]).toEqual(['draining', 'draining']);
  });

  it('nor by one that is not believed any more', async () => {
    await foreman.node('q', 'op-q');
    const lies = [];
    for (let at = 0; at < 3; at += 1) {
      await submit();
      lies.push(await foreman.order('q'));
    }
    for (const { leaseId } of lies) await foreman.report('q', leaseId, 1, failed('timeout'));
    await foreman.calls.actOnNode('q', 'quarantine', '');
    for (let at = 0; at < 3; at += 1) {
      const { leaseId } = await foreman.order('a');
      await foreman.report('a', leaseId, 1, failed('timeout'));
    }
    expect(await stateOf('a')).toBe('draining');
  });

  it('but not one that an operator drained', async () => {
    await submit();
    const { leaseId } = await foreman.order('a');
    await foreman.report('a', leaseId, 1, failed('timeout'));
    const slow = await foreman.order('b');
    await foreman.calls.actOnNode('a', 'drain', 'a new disk');
    await foreman.report('b', slow.leaseId, 1, failed('timeout'));
    expect(await nodeOf('a')).toMatchObject({ state: 'draining', state_reason: 'a new disk' });
  });
});

describe('whose fault it was is known once a build has ended', () => {
  /** Each of these fails a new build in turn; it is left to somebody else. */
  async function failTogether(...ids: string[]): Promise<void> {
    await submit();
    for (const id of ids) {
      const { leaseId } = await foreman.order(id);
      await foreman.report(id, leaseId, 1, failed('disk_full'));
    }
  }
  const make = async (id: string) => {
    const { leaseId } = await foreman.order(id);
    await foreman.report(id, leaseId, 1, await foreman.success(id, leaseId));
  };

  beforeEach(() => foreman.node('d', 'op-d'));

  it('two broken machines do not excuse each other where a third one makes what both fail', async () => {
    for (let at = 0; at < 3; at += 1) {
      expect([await stateOf('a'), await stateOf('b')]).toEqual(['active', 'active']);
      await failTogether('a', 'b');
      await make('c');
    }
    expect([await stateOf('a'), await stateOf('b')]).toEqual(['draining', 'draining']);
  });

  it('also where the third one needs long, and they go on through the whole queue', async () => {
    for (let at = 0; at < 20; at += 1) await failTogether('a', 'b');
    expect([await stateOf('a'), await stateOf('b')]).toEqual(['active', 'active']);
    for (let at = 0; at < 3; at += 1) await make('c');
    expect([await stateOf('a'), await stateOf('b')]).toEqual(['draining', 'draining']);
  });

  it('also where the end is that the request cannot be built', async () => {
    for (let at = 0; at < 3; at += 1) {
      await failTogether('a', 'b');
      const { leaseId } = await foreman.order('c');
      await foreman.report('c', leaseId, 1, failed('conflict'));
    }
    expect([await stateOf('a'), await stateOf('b')]).toEqual(['draining', 'draining']);
  });

  it('by a trusted node alone: what volunteers say decides nothing, and blames nobody', async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    for (let at = 0; at < 3; at += 1) {
      await failTogether('a', 'b');
      const { leaseId } = await foreman.order('v');
      await foreman.report('v', leaseId, 1, failed('conflict'));
    }
    expect([await stateOf('a'), await stateOf('b')]).toEqual(['active', 'active']);
  });

  it('a build that was stopped before says nothing more: what one failed alone stays, what several did goes', async () => {
    const stop = async () => {
      const hash = String((await foreman.rows('builds')).at(-1)?.request_hash);
      await foreman.calls.cancel(hash);
    };
    for (let at = 0; at < 3; at += 1) {
      await failTogether('a', 'b');
      await stop();
    }
    expect(await foreman.rows('nodes')).toMatchObject([{ faults: '[]' }, { faults: '[]' }, {}, {}]);
    for (let at = 0; at < 3; at += 1) {
      await failTogether('a');
      await stop();
    }
    expect(await stateOf('a')).toBe('draining');
  });

  describe.each([
    ['before', false],
    ['after', true],
  ])('a node that went silent and delivers late, %s another one did', (_, isSecond) => {
    it('is not to blame', async () => {
      for (let at = 0; at < 4; at += 1) {
        await submit();
        const { leaseId } = await foreman.order('a');
        const image = await foreman.success('a', leaseId);
        vi.setSystemTime(Date.now() + leaseMs);
        for (const id of ['b', 'c', 'd']) await foreman.calls.renew(id);
        await foreman.alarm();
        if (isSecond) await make('b');
        await foreman.report('a', leaseId, 1, image);
        expect(await nodeOf('a')).toMatchObject({ state: 'active', faults: '[]', builds_right: at + 1 });
      }
    });

    it('is, where what it delivers is wrong; a volunteer is not heard so late as long as nothing is decided', async () => {
      await submit();
      const { leaseId } = await foreman.order('a');
      vi.setSystemTime(Date.now() + leaseMs);
      for (const id of ['b', 'c', 'd']) await foreman.calls.renew(id);
      await foreman.alarm();
      const wrong = () => foreman.report('a', leaseId, 1, failed('conflict'));
      // A trusted one’s late word would decide.
      await foreman.alter("UPDATE nodes SET tier = 'volunteer' WHERE id = 'a'");
      if (!isSecond) await wrong();
      await make('b');
      if (isSecond) await wrong();
      const node = await nodeOf('a');
      expect(node).toMatchObject(
        isSecond ? { state: 'quarantined', builds_wrong: 1 } : { state: 'active', builds_wrong: 0 },
      );
      expect(JSON.parse(String(node?.faults))).toMatchObject([{ blame: 'own' }]);
    });
  });
});

describe('a farm keeps', () => {
  it('its only node, whatever fails on it', async () => {
    foreman = openForeman();
    await foreman.node('a');
    for (let at = 0; at < 4; at += 1) {
      await submit();
      const { leaseId } = await foreman.order('a');
      await foreman.report('a', leaseId, 1, failed('disk_full'));
      await foreman.alter("UPDATE builds SET state = 'done'");
    }
    expect(await nodeOf('a')).toMatchObject({ state: 'active', builds_lost: 4 });
  });

  it('its only trusted node, though volunteers are there', async () => {
    foreman = openForeman();
    await foreman.node('a');
    await foreman.node('v', 'op-v', 'volunteer');
    for (let at = 0; at < 4; at += 1) {
      await submit();
      const { leaseId } = await foreman.order('a');
      await foreman.report('a', leaseId, 1, failed('disk_full'));
      await foreman.alter("UPDATE builds SET state = 'done'");
    }
    expect(await stateOf('a')).toBe('active');
  });

  it('no trusted node for the sake of volunteers that were drained', async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    for (let at = 0; at < 3; at += 1) await failOne('v');
    expect(await stateOf('v')).toBe('draining');
    for (const _ of [1, 2]) await foreman.calls.actOnNode('b', 'drain', '');
    for (let at = 0; at < 3; at += 1) await failOne('a');
    expect(await stateOf('a')).toBe('draining');
  });

  it('half of its nodes', async () => {
    for (let at = 0; at < 3; at += 1) await failOne('a');
    for (let at = 0; at < 4; at += 1) await failOne('b');
    expect([await stateOf('a'), await stateOf('b'), await stateOf('c')]).toEqual(['draining', 'active', 'active']);
  });
});

describe('what a node’s word was worth', () => {
  it('is counted for everybody who said something, once it is decided', async () => {
    for (const id of ['v', 'w']) await foreman.node(id, `op-${id}`, 'volunteer');
    await submit();
    for (const [id, text] of [
      ['v', 'an image'],
      ['w', 'another image'],
    ] as const) {
      const { leaseId } = await foreman.order(id);
      await foreman.report(id, leaseId, 1, await foreman.success(id, leaseId, text));
      expect(await nodeOf(id)).toMatchObject({ builds_right: 0, builds_wrong: 0 });
    }
    const { leaseId } = await foreman.order('a');
    await foreman.report('a', leaseId, 1, await foreman.success('a', leaseId));
    expect(await nodeOf('a')).toMatchObject({ builds_right: 1, images: 1, builds_wrong: 0 });
    expect(await nodeOf('v')).toMatchObject({ builds_right: 1, images: 1, builds_wrong: 0 });
    expect(await nodeOf('w')).toMatchObject({ builds_right: 0, images: 0, builds_wrong: 1 });
  });

  it('also when it comes after the decision, and only once', async () => {
    await submit();
    const { leaseId } = await foreman.order('a');
    const event = await foreman.success('a', leaseId, 'another image');
    vi.setSystemTime(Date.now() + leaseMs);
    await foreman.alarm();
    const second = await foreman.order('b');
    await foreman.report('b', second.leaseId, 1, await foreman.success('b', second.leaseId));
    await foreman.report('a', leaseId, 1, event);
    await foreman.report('a', leaseId, 2, event);
    expect(await nodeOf('a')).toMatchObject({ builds_right: 0, builds_wrong: 1, builds_lost: 1 });
    expect(await nodeOf('b')).toMatchObject({ builds_right: 1, builds_wrong: 0 });
  });

  it('is nothing where nothing was decided', async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    await submit();
    const order = await foreman.order('v');
    await foreman.report('v', order.leaseId, 1, failed('conflict'));
    await foreman.calls.cancel(order.requestHash);
    expect((await foreman.rows('votes')).map(({ verdict }) => verdict)).toEqual(['moot']);
    expect(await nodeOf('v')).toMatchObject({ builds_right: 0, builds_wrong: 0 });
  });

  it('is nothing either where it comes after such an end', async () => {
    await submit();
    const order = await foreman.order('a');
    await foreman.calls.cancel(order.requestHash);
    await foreman.report('a', order.leaseId, 1, failed('conflict'));
    expect((await foreman.rows('votes')).map(({ verdict }) => verdict)).toEqual(['moot']);
  });
});
