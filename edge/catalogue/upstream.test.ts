import { describe, expect, it, vi } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { openSlots } from '../../shared/http/slots.ts';
import { openMirror } from './mirror.fixture.ts';
import { type Fetched, openUpstream } from './upstream.ts';

type Answer = () => Response | Promise<Response>;

/** A mirror that answers in turn; the last answer is repeated. */
function answering(...answers: Answer[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const upstream = openUpstream({
    url: 'https://mirror.example',
    slots: openSlots(6),
    fetch: async (url, init) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] as Answer;
      asked.push({ url, init });
      return answer();
    },
  });
  return { upstream, asked };
}

it('a feed of five megabytes is not read six times at once: two at a time, and small files beside them', async () => {
  const waiting = new Map<string, () => void>();
  const upstream = openUpstream({
    url: 'https://mirror.example',
    slots: openSlots(6),
    fetch: (url) =>
      new Promise((resolve) =>
        waiting.set(url.slice('https://mirror.example/'.length), () => resolve(new Response('x'))),
      ),
  });
  const paths = ['base', 'luci', 'packages', 'routing'].map((feed) => `${feed}/Packages`);
  const all = [...paths, 'feeds.conf', 'base/index.json'].map((path) => upstream.get(path));
  const isAsked = (...asked: string[]) =>
    vi.waitFor(() => expect([...waiting.keys()].sort()).toEqual(asked.sort()), EVENTUALLY);
  await isAsked('base/Packages', 'luci/Packages', 'feeds.conf', 'base/index.json');
  for (const path of ['base/Packages', 'feeds.conf']) waiting.get(path)?.();
  await isAsked('base/Packages', 'luci/Packages', 'feeds.conf', 'base/index.json', 'packages/Packages');
  for (const path of ['luci/Packages', 'packages/Packages', 'base/index.json']) waiting.get(path)?.();
  await vi.waitFor(
    () => waiting.get('routing/Packages')?.() ?? expect(waiting.has('routing/Packages')).toBe(true),
    EVENTUALLY,
  );
  expect((await Promise.all(all)).every((fetched) => fetched.state === 'found')).toBe(true);
});

const reasonOf = (fetched: Fetched): string => (fetched.state === 'trouble' ? fetched.reason : fetched.state);

describe('a file of the mirror', () => {
  it('that is there comes with its digest and its validators', async () => {
    const headers = { ETag: '"1"', 'Last-Modified': 'Tue, 24 Nov 2026 06:00:00 GMT' };
    const { upstream, asked } = answering(() => new Response('abc', { headers }));
    expect(await upstream.get('releases/x/profiles.json')).toEqual({
      state: 'found',
      bytes: new TextEncoder().encode('abc'),
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      validators: { etag: '"1"', lastModified: headers['Last-Modified'] },
    });
    expect(asked[0]?.url).toBe('https://mirror.example/releases/x/profiles.json');
    expect(asked[0]?.init.redirect).toBe('manual');
  });

  it('is asked for by its ETag, else by its date, and may be unchanged', async () => {
    const { upstream, asked } = answering(() => new Response(null, { status: 304 }));
    expect(await upstream.get('a', { etag: '"1"', lastModified: 'date' })).toEqual({ state: 'unchanged' });
    await upstream.get('a', { etag: null, lastModified: 'date' });
    const headers = asked.map(({ init }) => Object.fromEntries(init.headers as Headers));
    expect(headers).toEqual([{ 'if-none-match': '"1"' }, { 'if-modified-since': 'date' }]);
  });

  it.each([404, 410])('that is not there (%i) is absent, without asking twice', async (status) => {
    const { upstream, asked } = answering(() => new Response('no', { status }));
    expect(await upstream.get('a')).toEqual({ state: 'absent' });
    expect(asked).toHaveLength(1);
  });

  it.each([500, 503])('behind a failing server (%i) is asked for once more', async (status) => {
    const failing = answering(() => new Response('', { status }));
    expect(reasonOf(await failing.upstream.get('a/b'))).toBe(`a/b: answered ${status}`);
    expect(failing.asked).toHaveLength(2);
    const recovering = answering(
      () => new Response('', { status }),
      () => new Response('ok'),
    );
    expect((await recovering.upstream.get('a')).state).toBe('found');
  });

  it.each([
    [301, 'a redirect, which is not followed'],
    [302, 'a redirect, which is not followed'],
    [403, 'answered 403'],
    [429, 'answered 429'],
    [304, 'answered 304'],
  ])('answered with %i is trouble and not asked for again', async (status, reason) => {
    const { upstream, asked } = answering(
      () => new Response(null, { status, headers: { Location: 'http://10.0.0.1/' } }),
    );
    expect(reasonOf(await upstream.get('a'))).toContain(reason);
    expect(asked).toHaveLength(1);
  });

  it('on a mirror that is down is trouble, after a second attempt', async () => {
    const { upstream, asked } = answering(() => Promise.reject(new Error('connection refused')));
    expect(reasonOf(await upstream.get('a'))).toBe('a: could not be fetched (connection refused)');
    expect(asked).toHaveLength(2);
  });

  it('that never comes is trouble and is not waited for twice', async () => {
    const { upstream, asked } = answering(() => Promise.reject(new DOMException('took too long', 'TimeoutError')));
    expect(reasonOf(await upstream.get('a'))).toBe('a: did not arrive within 15 s');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });

  it('that ends early is trouble, by its length or by the connection', async () => {
    const short = answering(() => new Response('abc', { headers: { 'Content-Length': '10' } }));
    expect(reasonOf(await short.upstream.get('a'))).toBe('a: ended after 3 of 10 bytes');
    const broken = answering(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.error(new Error('connection reset'));
            },
          }),
        ),
    );
    expect(reasonOf(await broken.upstream.get('a'))).toContain('connection reset');
  });

  it('that never ends is given up at its limit', async () => {
    let sent = 0;
    const { upstream, asked } = answering(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              sent++;
              controller.enqueue(new Uint8Array(1024));
            },
          }),
        ),
    );
    expect(reasonOf(await upstream.get('releases/x/sha256sums.sig'))).toContain(
      'is larger than any such file should be',
    );
    expect(sent).toBeLessThan(20);
    expect(asked).toHaveLength(1);
  });
});

describe('slots', () => {
  it('let six at once to the mirror and every one in the end, also after failures', async () => {
    let inside = 0;
    let most = 0;
    const slots = openSlots(6);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, n) =>
        slots(async () => {
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside--;
          if (n % 3 === 0) throw new Error('lost');
          return n;
        }),
      ),
    );
    expect(most).toBe(6);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(26);
  });

  it('are what a mirror sees of us', async () => {
    const mirror = await openMirror();
    let inside = 0;
    let most = 0;
    mirror.weather.set('*', async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside--;
      return new Response('x');
    });
    const upstream = openUpstream({ url: mirror.url, fetch: mirror.fetch, slots: openSlots(6) });
    await Promise.all(Array.from({ length: 20 }, (_, n) => upstream.get(`file-${n}`)));
    expect([most, mirror.requests.length]).toEqual([6, 20]);
  });
});
