import { createExecutionContext } from 'cloudflare:test';
import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { app } from '../app.ts';
import { env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream } from '../edge.fixture.ts';
import { edgeContext, type ForemanCalls } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { finish, IMAGE_NAME, joinNode, orderFor } from '../nodes/farm-node.fixture.ts';

const BUILDS = 3;
const MISSES = 20;
const FLOODER = '192.0.2.1';
const OTHER = '198.51.100.7';
let wishes = 0;
const fresh = () => ({ ...GOOD_REQUEST, packages: [`limits-${++wishes}`] });
const unknown = () => sha256Hex(`unknown ${++wishes}`);

type Ask = (path: string, from?: string | null, body?: object, signal?: AbortSignal) => Promise<Response>;

/** An edge of its own, an isolate that nobody has asked yet, with its own configuration. */
function openEdge(variables: Record<string, unknown> = {}): { ask: Ask; own: Env } {
  const own = {
    ...env,
    BUILDS_LIMIT: undefined,
    BUILDS_PER_MINUTE: String(BUILDS),
    MISSES_PER_MINUTE: String(MISSES),
    ...variables,
  } as Env;
  const ask: Ask = async (path, from = FLOODER, body, signal) => {
    const headers = new Headers(from === null ? {} : { 'cf-connecting-ip': from });
    const init = body ? { method: 'POST', body: JSON.stringify(body), headers, signal } : { headers };
    return app.fetch(new Request(`https://asu.example${path}`, init), own, createExecutionContext());
  };
  return { ask, own };
}

let edge: ReturnType<typeof openEdge>;
let built = { hash: '', request: {} as object };

beforeAll(async () => {
  await openUpstream();
  const node = await joinNode(1);
  const { ask } = openEdge();
  const request = fresh();
  const { request_hash } = await jsonOf(await ask('/api/v1/build', OTHER, request));
  await finish(node, await orderFor(node));
  built = { hash: String(request_hash), request };
  await vi.waitFor(async () => expect((await ask(`/api/v1/build/${built.hash}`, OTHER)).status).toBe(200), EVENTUALLY);
});
beforeEach(() => {
  edge = openEdge();
  // Of the limits: on a slow machine nothing may be refilled meanwhile.
  vi.spyOn(performance, 'now').mockReturnValue(0);
});
afterEach(() => vi.restoreAllMocks());

const newBuild = (from = FLOODER) => edge.ask('/api/v1/build', from, fresh());
const statusesOf = async (times: number, once: () => Promise<Response>): Promise<number[]> => {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await once()).status);
  return statuses;
};
const times = (n: number, status: number): number[] => new Array(n).fill(status);

/** Everything behind the edge that a request could cost. */
function spies() {
  const bucket = env.IMAGES as R2Bucket;
  return [
    vi.spyOn(env.CACHE, 'get'),
    vi.spyOn(env.CACHE, 'put'),
    vi.spyOn(env.FOREMAN, 'get'),
    vi.spyOn(env.CATALOGUE, 'get'),
    vi.spyOn(bucket, 'get'),
    vi.spyOn(bucket, 'head'),
    vi.spyOn(bucket, 'list'),
  ];
}
const expectNoCalls = (all: ReturnType<typeof spies>) =>
  expect(all.map((spy) => [spy.getMockName(), spy.mock.calls.length])).toEqual(
    all.map((spy) => [spy.getMockName(), 0]),
  );

const REFUSAL = {
  status: 429,
  title: 'Too Many Requests',
  detail: 'Too many requests from your network, please try again later',
  error_kind: 'too_many_requests',
};

describe('a flood of new builds', () => {
  it('from one client is refused with 429, while another client is served', async () => {
    expect(await statusesOf(BUILDS + 2, () => newBuild())).toEqual([...times(BUILDS, 202), 429, 429]);
    expect((await newBuild(OTHER)).status).toBe(202);
  });

  it('is refused in the form of every error, with when to come again', async () => {
    await statusesOf(BUILDS, () => newBuild());
    const response = await newBuild();
    expect(await jsonOf(response)).toEqual(REFUSAL);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'retry-after': '10',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    });
  });

  it('once refused touches nothing behind the edge', async () => {
    await statusesOf(BUILDS, () => newBuild());
    const all = spies();
    const limit = vi.spyOn(env.MISSES_LIMIT as RateLimit, 'limit');
    expect(await statusesOf(50, () => newBuild())).toEqual(times(50, 429));
    expectNoCalls(all);
    expect(limit).not.toHaveBeenCalled();
  });

  it('once refused is not even read, and takes no room in memory', async () => {
    await statusesOf(BUILDS, () => newBuild());
    const { wishes } = await edgeContext(edge.own);
    const normalize = vi.spyOn(wishes, 'normalize');
    expect(await statusesOf(5, () => newBuild())).toEqual(times(5, 429));
    expect((await edge.ask('/api/v1/build', FLOODER, { ...fresh(), version: 7 })).status).toBe(429);
    expect(normalize).not.toHaveBeenCalled();
    expect((await edge.ask('/api/v1/build', OTHER, { ...fresh(), version: 7 })).status).toBe(422);
  });

  it('all at once is refused but for what was agreed', async () => {
    const answers = await Promise.all(Array.from({ length: 4 * BUILDS }, () => newBuild()));
    expect(answers.filter(({ status }) => status === 202).length).toBe(BUILDS);
    expect(answers.filter(({ status }) => status === 429).length).toBe(3 * BUILDS);
  });

  it('that fails in between gets back what it did not use', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const foreman = vi.spyOn(env.FOREMAN, 'get').mockImplementation(() => {
      throw new Error('down');
    });
    expect(await statusesOf(2 * BUILDS, () => newBuild())).toEqual(times(2 * BUILDS, 500));
    foreman.mockRestore();
    expect(await statusesOf(BUILDS + 1, () => newBuild())).toEqual([...times(BUILDS, 202), 429]);
  });

  it('leaves its client what is in memory', async () => {
    expect((await edge.ask('/api/v1/build', FLOODER, built.request)).status).toBe(200);
    await statusesOf(BUILDS + 1, () => newBuild());
    expect((await edge.ask('/api/v1/build', FLOODER, built.request)).status).toBe(200);
    expect((await edge.ask(`/api/v1/build/${built.hash}`)).status).toBe(200);
  });

  it('is none where all ask for the same: who joins, and who asks again and again, began no build', async () => {
    const wish = fresh();
    const asking = () => edge.ask('/api/v1/build', FLOODER, wish);
    expect(await statusesOf(3 * BUILDS, asking)).toEqual(times(3 * BUILDS, 202));
    expect(await statusesOf(BUILDS, () => newBuild())).toEqual([...times(BUILDS - 1, 202), 429]);
  });

  it('that all join one build is a flood of misses: each of them has to be asked of the Foreman', async () => {
    const wish = fresh();
    const asking = (from = FLOODER) => edge.ask('/api/v1/build', from, wish);
    expect(await statusesOf(MISSES + 1, asking)).toEqual([...times(MISSES, 202), 429]);
    expect((await asking(OTHER)).status).toBe(202);
  });

  it('is none where it was refused for another reason', async () => {
    const wrong = () => edge.ask('/api/v1/build', FLOODER, { ...fresh(), version: 'nonsense' });
    expect(await statusesOf(MISSES + 5, wrong)).toEqual(times(MISSES + 5, 400));
    expect((await newBuild()).status).toBe(202);
  });
});

describe('a client that goes away before it is answered', () => {
  // Its answer fails, and nobody reads it.
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));

  /** Posts one after the other, until each of them is on its way to the Foreman. */
  async function postAll(wishes: readonly object[]) {
    const { submissions } = await edgeContext(edge.own);
    const submit = vi.spyOn(submissions, 'submit');
    const posted: { readonly answer: Promise<Response>; readonly leave: () => void }[] = [];
    for (const wish of wishes) {
      const gone = new AbortController();
      const answer = edge.ask('/api/v1/build', FLOODER, wish, gone.signal);
      posted.push({ answer, leave: () => gone.abort(new Error('gone')) });
      await vi.waitFor(() => expect(submit).toHaveBeenCalledTimes(posted.length), EVENTUALLY);
    }
    return posted;
  }

  /** Lets no submission through before `open`. */
  function holdSubmissions() {
    const [held, came] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const get = env.FOREMAN.get.bind(env.FOREMAN);
    vi.spyOn(env.FOREMAN, 'get').mockImplementation((id) => {
      const foreman = get(id) as unknown as ForemanCalls;
      const submit: ForemanCalls['submit'] = async (...all) => {
        came.resolve();
        await held.promise;
        return foreman.submit(...all);
      };
      return { submit } as never;
    });
    return { open: () => held.resolve(), came: came.promise };
  }

  const isNewTo = (times: number) => statusesOf(times, () => newBuild());

  it('has begun the build that others sent for it', async () => {
    await newBuild();
    const { open, came } = holdSubmissions();
    const posted = await postAll([fresh(), fresh()]);
    await came;
    for (const { leave } of posted) leave();
    await vi.waitFor(async () => {
      const ended = await Promise.race([...posted.map(({ answer }) => answer), scheduler.wait(10)]);
      expect(ended).toBeDefined();
    }, EVENTUALLY);
    open();
    await Promise.all(posted.map(({ answer }) => answer));
    expect(await isNewTo(1)).toEqual([429]);
  });

  it('has begun nothing that was not sent; who asked for the same behind it has', async () => {
    await newBuild();
    const wish = fresh();
    const [first, second] = await postAll([wish, wish]);
    first?.leave();
    await first?.answer;
    expect((await second?.answer)?.status).toBe(202);
    expect(await isNewTo(2)).toEqual([202, 429]);
  });

  it('gets back what was never sent', async () => {
    await newBuild();
    const [only] = await postAll([fresh()]);
    only?.leave();
    await only?.answer;
    expect(await isNewTo(3)).toEqual([202, 202, 429]);
  });
});

describe('a client', () => {
  it('is a whole IPv6 /56, whatever address of it asks', async () => {
    const addresses = ['2001:db8:1:2300::1', '2001:db8:1:23ff::2', '2001:0db8:0001:2342:a:b:c:d', '2001:db8:1:2301::'];
    const statuses: number[] = [];
    for (const address of addresses) statuses.push((await newBuild(address)).status);
    expect(statuses).toEqual([202, 202, 202, 429]);
    expect((await newBuild('2001:db8:1:2400::1')).status).toBe(202);
  });

  it('is one IPv4 address, in an IPv6 socket too', async () => {
    expect(await statusesOf(BUILDS, () => newBuild('192.0.2.9'))).toEqual(times(BUILDS, 202));
    expect((await newBuild('::ffff:192.0.2.9')).status).toBe(429);
    expect((await newBuild('192.0.2.10')).status).toBe(202);
  });

  it.each([
    ['that nobody says', null],
    ['without an address', 'unknown'],
    ['of this machine, where a proxy is,', '127.0.0.1'],
  ])('%s cannot be told from others, and is not limited', async (_, from) => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const asking = () => edge.ask('/api/v1/build', from, fresh());
    expect(await statusesOf(2 * BUILDS, asking)).toEqual(times(2 * BUILDS, 202));
  });

  it('is told by the configured header alone', async () => {
    edge = openEdge({ CLIENT_ADDRESS_HEADER: 'x-real-ip' });
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(await statusesOf(2 * BUILDS, () => newBuild())).toEqual(times(2 * BUILDS, 202));
  });

  it('leaves no address anywhere: not in KV, not in the store, not in a log', async () => {
    const logged: string[] = [];
    for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(console, level).mockImplementation((...words) => void logged.push(words.map(String).join(' ')));
    const address = '203.0.113.77';
    await statusesOf(BUILDS + 2, () => newBuild(address));
    await edge.ask(`/api/v1/build/${unknown()}`, address);
    const { limits } = await edgeContext(edge.own);
    const kept = [...logged, JSON.stringify((await env.CACHE.list()).keys), JSON.stringify(limits)];
    expect(kept.join()).not.toContain(address);
  });
});

test('a limit of 0 limits nobody', async () => {
  edge = openEdge({ BUILDS_PER_MINUTE: '0', MISSES_PER_MINUTE: '0' });
  expect(await statusesOf(BUILDS + 2, () => newBuild())).toEqual(times(BUILDS + 2, 202));
  expect(await statusesOf(MISSES + 2, () => edge.ask(`/api/v1/build/${unknown()}`))).toEqual(times(MISSES + 2, 404));
});

/** What goes past KV, each time anew. */
const MISSING: readonly (readonly [string, () => string, number])[] = [
  ['polls of unknown hashes', () => `/api/v1/build/${unknown()}`, 404],
  ['listeners to unknown builds', () => `/api/v1/build/${unknown()}/events`, 404],
  ['downloads of unknown builds', () => `/store/${unknown()}/x.bin`, 404],
];

describe.each(MISSING)('a flood of %s', (_, path, status) => {
  it('from one client is refused with 429 and touches nothing, while another is served', async () => {
    expect(await statusesOf(MISSES + 1, () => edge.ask(path()))).toEqual([...times(MISSES, status), 429]);
    const all = spies();
    const refused = await edge.ask(path());
    expect(await jsonOf(refused)).toEqual(REFUSAL);
    expect(await statusesOf(50, () => edge.ask(path()))).toEqual(times(50, 429));
    expectNoCalls(all);
    expect((await edge.ask(path(), OTHER)).status).toBe(status);
  });

  it('all of the same one costs one look, and is nobody’s flood', async () => {
    const same = path();
    await edge.ask(same);
    const all = spies();
    expect(await statusesOf(3 * MISSES, () => edge.ask(same))).toEqual(times(3 * MISSES, status));
    expectNoCalls(all);
  });
});

test('each answer about statistics and health counts as a miss when it is made, and not when it was kept', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  try {
    const paths = ['/api/v1/stats', '/api/v1/builds-per-day', '/healthz', '/metrics'];
    for (const path of paths) expect(await statusesOf(MISSES, () => edge.ask(path))).toEqual(times(MISSES, 200));
    await statusesOf(MISSES - paths.length, () => edge.ask(`/api/v1/build/${unknown()}`));
    expect(await statusesOf(1, () => edge.ask(`/api/v1/build/${unknown()}`))).toEqual([429]);
    vi.setSystemTime(Date.now() + LIFETIMES.statisticsMs);
    for (const path of paths) {
      expect(await jsonOf(await edge.ask(path))).toEqual(REFUSAL);
      expect((await edge.ask(path, OTHER)).status).toBe(200);
    }
  } finally {
    vi.useRealTimers();
  }
});

test('a file that is there is nobody’s miss: it may be fetched as often as anybody likes', async () => {
  const fetchFile = async () => {
    const response = await edge.ask(`/store/${built.hash}/${IMAGE_NAME}`);
    await response.arrayBuffer();
    return response;
  };
  expect(await statusesOf(2 * MISSES, fetchFile)).toEqual(times(2 * MISSES, 200));
});

test('a build under way that somebody wanted to download is neither unknown nor forgotten', async () => {
  const { request_hash } = await jsonOf(await newBuild());
  expect((await edge.ask(`/store/${request_hash}/x.bin`)).status).toBe(404);
  expect((await edge.ask(`/api/v1/build/${request_hash}`)).status).toBe(202);
  const elsewhere = openEdge();
  expect((await elsewhere.ask(`/store/${request_hash}/x.bin`)).status).toBe(404);
  expect((await elsewhere.ask(`/api/v1/build/${request_hash}`)).status).toBe(202);
});

describe('a queue that is full', () => {
  const full = { answers: [{ accepted: false, why: 'queue_full' }], others: [] } as const;

  it('is asked once in a while, however many want something new; what is there is answered', async () => {
    edge = openEdge({ BUILDS_PER_MINUTE: '0', MISSES_PER_MINUTE: '0' });
    const live = fresh();
    expect((await edge.ask('/api/v1/build', FLOODER, live)).status).toBe(202);
    const submit = vi.fn(async () => full);
    const foreman = vi.spyOn(env.FOREMAN, 'get').mockReturnValue({ submit } as never);
    const response = await newBuild();
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60']);
    expect(await jsonOf(response)).toEqual({
      status: 503,
      title: 'Service Unavailable',
      detail: 'The queue is full, please try again later',
      error_kind: 'queue_full',
    });
    const bucket = vi.spyOn(env.IMAGES as R2Bucket, 'get');
    expect(await statusesOf(50, () => newBuild())).toEqual(times(50, 503));
    expect([submit.mock.calls.length, bucket.mock.calls.length]).toEqual([1, 0]);
    expect((await edge.ask('/api/v1/build', FLOODER, built.request)).status).toBe(200);
    foreman.mockRestore();
    // Whose build is in the queue joins it all the same, and at once.
    expect((await edge.ask('/api/v1/build', FLOODER, live)).status).toBe(202);
  });

  it('has room again a moment later', async () => {
    const context = await edgeContext(edge.own);
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    context.fullQueue.remember();
    expect((await newBuild()).status).toBe(503);
    now += LIFETIMES.queueFullMs;
    expect((await newBuild()).status).toBe(202);
  });
});

test('a flood that is refused is counted, and the Foreman hears of it with the next batch only', async () => {
  const before = (await foremanStats()).calls.counts ?? 0;
  await statusesOf(BUILDS + 10, () => newBuild());
  expect((await foremanStats()).calls.counts ?? 0).toBe(before);
  const { counts } = await edgeContext(edge.own);
  await counts.flush();
  expect((await foremanStats()).calls.counts).toBe(before + 1);
});
