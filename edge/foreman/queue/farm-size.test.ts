import { expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { type OpenedForeman, plansOf, submission, withForeman } from '../foreman.fixture.ts';
import { Leases } from '../leases/leases.ts';
import { Nodes } from '../nodes/nodes.ts';

let foreman: OpenedForeman;
withForeman((opened) => {
  foreman = opened;
});

/** Before the first build that ended, each is taken to last a minute. */
const MINUTE = 60;

/** For trusted nodes alone: it runs code of a foreign feed. */
const FOREIGN = { ...submission().request, repositories: ['src/gz x https://feed.example'] };

const wish = (name: string, isForeign: boolean) => ({
  intentHash: sha256Hex(name),
  ...(isForeign && { request: FOREIGN }),
});

/** Nodes that asked for work lately, and so many of them build. */
async function farm(tier: 'trusted' | 'volunteer', slots: readonly number[], building: number): Promise<void> {
  for (const [at, each] of slots.entries()) {
    const id = `${tier}-${at}`;
    await foreman.node(id, id, tier);
    if (at < building) await foreman.submit(wish(`built by ${id}`, false));
    const order = await foreman.lease(id, `key-of-${id}`, { slots: each });
    expect(order !== null).toBe(at < building);
  }
}

it.each<[string, { trusted: number[]; volunteers: number[]; building: [number, number] }, number, number]>([
  ['a trusted slot is free', { trusted: [1], volunteers: [1], building: [0, 0] }, 1, 1],
  ['volunteers alone are free', { trusted: [1], volunteers: [4], building: [1, 0] }, 1, 2],
  [
    'volunteers alone are free, and trusted ones have many slots',
    { trusted: [1, 1], volunteers: [4], building: [2, 0] },
    1,
    1.5,
  ],
  ['nobody is free', { trusted: [1], volunteers: [1], building: [1, 1] }, 1.5, 2],
  ['trusted nodes alone are free', { trusted: [1], volunteers: [1], building: [0, 1] }, 1, 1],
])(
  'where %s, a build for anyone and one for trusted nodes wait as long as these take',
  async (_, at, anyone, trusted) => {
    await farm('trusted', at.trusted, at.building[0]);
    await farm('volunteer', at.volunteers, at.building[1]);
    // What was measured stands for some seconds.
    vi.setSystemTime(Date.now() + 10_000);
    // Each as the only one that waits.
    const ordinary = await foreman.submit(wish('ordinary', false));
    expect(ordinary).toMatchObject({ state: 'queued', etaSeconds: anyone * MINUTE });
    if (ordinary.state === 'queued') await foreman.calls.cancel(ordinary.requestHash);
    expect(await foreman.submit(wish('foreign', true))).toMatchObject({
      state: 'queued',
      etaSeconds: trusted * MINUTE,
    });
  },
);

test('what is counted is found by an index', async () => {
  const plans = await plansOf(foreman.stub, (db) => {
    new Nodes(db).slotsLately(1, 1);
    new Leases(db, { leaseMs: 1, buildMs: 1 }).activeOfTrusted();
  });
  expect(plans.length).toBeGreaterThan(0);
  for (const plan of plans) expect(plan).toMatch(/USING (COVERING )?INDEX/);
});
