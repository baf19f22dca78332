/** What idle volunteers build so that a target becomes known to be reproducible. */
import { describe, expect, it } from 'vitest';
import type { OpenedForeman } from '../foreman.fixture.ts';
import {
  checks,
  DEFAULTS,
  image,
  nodeOf,
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
