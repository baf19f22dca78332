import { runInDurableObject } from 'cloudflare:test';
import { waitUntil } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { requestHash } from '../../shared/request/intent.ts';
import { ask, env, foremanStats, GOOD_REQUEST, openUpstream, post } from '../edge.fixture.ts';
import { type OpenedForeman, openForeman, submission } from '../foreman/foreman.fixture.ts';
import { Foreman } from '../foreman/foreman.ts';
import type { Submission } from '../foreman/queue/queue.ts';
import type { SubmitAnswer } from '../foreman/queue/take-submission.ts';
import { MAX_SUBMISSIONS } from '../foreman/queue/take-submissions.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { SubmissionDesk } from './submission-desk.ts';

type Send = (submissions: readonly Submission[]) => Promise<readonly SubmitAnswer[]>;

beforeAll(async () => {
  await openUpstream();
});

const patient = new AbortController();
const named = (name: string, fields: Partial<Submission> = {}): Submission =>
  submission({ intentHash: sha256Hex(name), ...fields });
const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `build ${at}`);

/** A desk whose waiting takes no time, at a real Foreman; `sent`: the length of each call. */
function openDesk(
  send: (foreman: OpenedForeman) => Send = ({ calls }) =>
    async (all) =>
      (await calls.submit(all)).answers,
) {
  const foreman = openForeman();
  const sent: number[] = [];
  let now = 1;
  let isEnding = false;
  const wait = async (ms: number, signal?: AbortSignal): Promise<void> => {
    const end = now + ms;
    if (isEnding) {
      isEnding = false;
      return new Promise(() => undefined);
    }
    // All that come in this moment are there before it is over.
    await scheduler.wait(10, signal && { signal });
    now = Math.max(now, end);
  };
  const desk = new SubmissionDesk({ waitUntil, wait, clock: { now: () => now } });
  const toForeman = send(foreman);
  const sendAll: Send = (all) => {
    sent.push(all.length);
    return toForeman(all);
  };
  const submit = (one: Submission, asker: Parameters<typeof desk.submit>[2] = patient, by: Send = sendAll) =>
    desk.submit(one, by, asker);
  /** The request that calls ends: whoever waits next waits for ever. */
  const endRequest = (): void => {
    isEnding = true;
  };
  return { foreman, sent, submit, endRequest };
}

/** A desk that has just called. */
async function openBusyDesk(...args: Parameters<typeof openDesk>) {
  const opened = openDesk(...args);
  await opened.submit(named('the first'));
  opened.sent.length = 0;
  return opened;
}

describe('a submission', () => {
  it('of a quiet isolate goes at once, without a look at who asks', async () => {
    const { submit, sent } = openDesk();
    const asker = {
      get signal(): AbortSignal {
        throw new Error('expected nothing to be waited for');
      },
    };
    expect(await submit(named('alone'), asker)).toMatchObject({ accepted: true, isNew: true });
    expect(sent).toEqual([1]);
  });

  it('that comes in the same moment as others goes with them, and each hears of its own', async () => {
    const { submit, sent } = await openBusyDesk();
    const answers = await Promise.all(numbered(9).map((name) => submit(named(name))));
    expect(answers.map((answer) => answer.accepted && answer.status)).toMatchObject(
      numbered(9).map((name) => ({ state: 'queued', requestHash: requestHash(sha256Hex(name), 1) })),
    );
    expect(sent).toEqual([9]);
  });

  it('of what another one asks for in the same call joins it', async () => {
    const { submit, sent } = await openBusyDesk();
    const answers = await Promise.all([1, 2].map(() => submit(named('popular'))));
    expect(answers).toMatchObject([{ isNew: true }, { isNew: false }]);
    expect(sent).toEqual([2]);
  });

  it('for which the queue has no room is refused alone', async () => {
    const { submit } = await openBusyDesk(
      ({ stub }) =>
        (all) =>
          runInDurableObject(stub, async (_, state) => {
            const narrow = new Foreman(state, { ...env, MAX_QUEUE: '3' });
            await state.blockConcurrencyWhile(async () => {});
            return (await narrow.submit(all)).answers;
          }),
    );
    const answers = await Promise.all(['one', 'two', 'three', 'one'].map((name) => submit(named(name))));
    expect(answers).toMatchObject([
      { accepted: true },
      { accepted: true },
      { accepted: false, why: 'queue_full' },
      { accepted: true, isNew: false },
    ]);
  });

  it('that the Foreman cannot take fails alone', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { submit } = await openBusyDesk();
    const answers = await Promise.all([
      submit(named('good')),
      submit(named('broken', { upstreamDigest: null as never })),
    ]);
    expect(answers).toMatchObject([{ accepted: true }, { accepted: false, why: 'fault' }]);
  });

  it('whose call fails is told so, as are all that went with it, and the next one is sent anew', async () => {
    let isDown = false;
    const { submit, sent } = await openBusyDesk(({ calls }) => async (all) => {
      if (isDown) throw new Error('down');
      return (await calls.submit(all)).answers;
    });
    isDown = true;
    const lost = await Promise.allSettled(numbered(3).map((name) => submit(named(name))));
    expect(lost.map((one) => one.status === 'rejected' && String(one.reason))).toEqual(Array(3).fill('Error: down'));
    isDown = false;
    expect(await submit(named('later'))).toMatchObject({ accepted: true });
    expect(sent).toEqual([3, 1]);
  });

  it.each([
    ['is out of reach for a moment is sent once more', 1, { retryable: true }, Array(3).fill('fulfilled'), [3, 3]],
    ['stays out of reach is sent once more, and fails', 9, { retryable: true }, Array(3).fill('rejected'), [3, 3]],
    ['has too much to do fails', 9, { retryable: true, overloaded: true }, Array(3).fill('rejected'), [3]],
  ])('whose Foreman %s, with all that went with it', async (_, failures, properties, statuses, calls) => {
    let left = 0;
    const { submit, sent } = await openBusyDesk(({ calls }) => async (all) => {
      if (left-- > 0) throw Object.assign(new Error('out of reach'), properties);
      return (await calls.submit(all)).answers;
    });
    left = failures;
    const ended = await Promise.allSettled(numbered(3).map((name) => submit(named(name))));
    expect(ended.map(({ status }) => status)).toEqual(statuses);
    expect(sent).toEqual(calls);
  });

  it('whose call hangs is sent once more, by whoever called as well', async () => {
    const lost = Promise.withResolvers<readonly SubmitAnswer[]>();
    let hangs = 1;
    const { submit, sent } = openDesk(({ calls }) => async (all) => {
      if (hangs-- > 0) return lost.promise;
      return (await calls.submit(all)).answers;
    });
    expect(await submit(named('patient'))).toMatchObject({ accepted: true, isNew: true });
    expect(sent).toEqual([1, 1]);
    lost.resolve([]);
  });

  it('to which there is no answer fails, and the others have theirs', async () => {
    const { submit } = await openBusyDesk(
      ({ calls }) =>
        async (all) =>
          (await calls.submit(all)).answers.slice(0, 1),
    );
    const [one, other] = await Promise.allSettled(['one', 'other'].map((name) => submit(named(name))));
    expect([one?.status, other?.status]).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a client that goes away', () => {
  it('before its submission was sent takes it along, and nothing of the others', async () => {
    const { submit, sent, foreman } = await openBusyDesk();
    const gone = new AbortController();
    const leaving = submit(named('leaving'), gone);
    const staying = submit(named('staying'));
    gone.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow();
    expect(await staying).toMatchObject({ accepted: true });
    expect(sent).toEqual([1]);
    expect(await foreman.rows('builds')).toHaveLength(2);
  });

  it('while it sends for all does not keep them from being answered', async () => {
    const gone = new AbortController();
    const { submit, sent } = await openBusyDesk(({ calls }) => async (all) => {
      if (all.length > 1) gone.abort(new Error('gone'));
      return (await calls.submit(all)).answers;
    });
    const answers = await Promise.all([submit(named('leaving'), gone), submit(named('staying'))]);
    expect(answers).toMatchObject([{ accepted: true }, { accepted: true }]);
    expect(sent).toEqual([2]);
  });

  it('and whose request ends in the middle of the call has the rest sent once more, in one call', async () => {
    const { submit, sent, endRequest } = await openBusyDesk();
    const lost = Promise.withResolvers<readonly SubmitAnswer[]>();
    const hang: Send = (all) => {
      sent.push(-all.length);
      endRequest();
      return lost.promise;
    };
    const leaving = submit(named('lost'), patient, hang);
    const answers = await Promise.all(numbered(3).map((name) => submit(named(name))));
    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true, true]);
    // What was lost goes along: its client may still be there.
    expect(sent).toEqual([-4, 4]);
    lost.resolve([]);
    expect(await leaving).toMatchObject({ accepted: true });
  });
});

describe('what became of a submission whose client went away', () => {
  const leave = (onEnd: (answer: SubmitAnswer | null) => void) => {
    const gone = new AbortController();
    return { asker: { signal: gone.signal, onEnd }, go: () => gone.abort(new Error('gone')) };
  };

  it('is told when it is heard, where others had sent it', async () => {
    const onEnd = vi.fn();
    const { asker, go } = leave(onEnd);
    const [isSent, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { submit } = await openBusyDesk(({ calls }) => async (all) => {
      if (all.length > 1) {
        isSent.resolve();
        await held.promise;
      }
      return (await calls.submit(all)).answers;
    });
    const staying = submit(named('staying'));
    const leaving = submit(named('leaving'), asker);
    void isSent.promise.then(go);
    await expect(leaving).rejects.toThrow();
    expect(onEnd).not.toHaveBeenCalled();
    held.resolve();
    await staying;
    expect(onEnd.mock.calls).toEqual([[expect.objectContaining({ accepted: true, isNew: true })]]);
  });

  it('is nothing, told at once, where it had not been sent', async () => {
    const onEnd = vi.fn();
    const { asker, go } = leave(onEnd);
    const { submit } = await openBusyDesk();
    const leaving = submit(named('leaving'), asker);
    go();
    await expect(leaving).rejects.toThrow();
    expect(onEnd.mock.calls).toEqual([[null]]);
  });
});

describe('one call', () => {
  it('takes no more than the Foreman looks at; the rest follows at once', async () => {
    const { submit, sent } = await openBusyDesk();
    const names = numbered(2 * MAX_SUBMISSIONS + 3);
    const answers = await Promise.all(names.map((name) => submit(named(name))));
    expect(answers.every((answer) => answer.accepted && answer.isNew)).toBe(true);
    expect(sent).toEqual([MAX_SUBMISSIONS, MAX_SUBMISSIONS, 3]);
  });

  it('takes so many characters and no more, but one submission whatever it holds', async () => {
    const { submit, sent } = await openBusyDesk();
    const sealedDefaults = 'x'.repeat(1_500_000);
    await Promise.all(numbered(4).map((name) => submit(named(name, { sealedDefaults }))));
    await submit(named('large', { sealedDefaults: 'x'.repeat(5_000_000) }));
    expect(sent).toEqual([2, 2, 1]);
  });
});

test('requests of one isolate at once are few calls to the Foreman, though one of the clients goes away', async () => {
  const [before, begun] = [(await foremanStats()).calls.submit ?? 0, performance.now()];
  const gone = new AbortController();
  const body = (name: string) => ({ ...GOOD_REQUEST, packages: [name] });
  const leaving = ask('/api/v1/build', {
    method: 'POST',
    body: JSON.stringify(body('leaving')),
    signal: gone.signal,
  }).catch(() => undefined);
  const staying = numbered(20).map((name) => post(body(name.replace(' ', '-'))));
  setTimeout(() => gone.abort(), LIFETIMES.submissionsMs / 2);
  const statuses = (await Promise.all(staying)).map(({ status }) => status);
  expect(statuses).toEqual(Array(20).fill(202));
  await leaving;
  // One at once, and one for each such time, however long a slow machine takes for them.
  const times = 1 + Math.ceil((performance.now() - begun) / LIFETIMES.submissionsMs);
  const calls = ((await foremanStats()).calls.submit ?? 0) - before;
  expect(calls).toBeLessThanOrEqual(times);
  expect(calls).toBeLessThan(20);
});
