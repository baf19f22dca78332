import { expect, test } from 'vitest';
import { ask } from '../edge.fixture.ts';

test.each(['/', '/check', '/status', '/lend', `/build/${'a'.repeat(64)}`])(
  '%s: the page, which may load from this server alone and run nothing that stands in it',
  async (path) => {
    const response = await ask(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = response.headers.get('content-security-policy') ?? '';
    for (const directive of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"])
      expect(policy.split('; ')).toContain(directive);
    expect(policy).not.toMatch(/unsafe|data:|https?:|\*/);
    const text = await response.text();
    expect(text).toContain('<div id="page">');
    expect(text).not.toMatch(/<style|style=|<script(?! type="module" crossorigin src="\/page\/)|https?:\/\//);
  },
);

test('each file that the page names is there, with its type, to be kept for ever', async () => {
  const text = await (await ask('/')).text();
  const names = [...text.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, name]) => name ?? '');
  expect(names.map((name) => name.split('.').at(-1)).sort()).toEqual(['css', 'js', 'svg']);
  for (const name of names) {
    const response = await ask(name);
    expect([name, response.status]).toEqual([name, 200]);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-type')).toMatch(/^(text\/javascript|text\/css|image\/svg\+xml)/);
    await response.body?.cancel();
  }
});

test('who has the page is told so without its bytes', async () => {
  const first = await ask('/');
  await first.body?.cancel();
  const again = await ask('/', { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
  expect([again.status, await again.text()]).toEqual([304, '']);
});

test.each([
  '/page/index.html',
  '/page/nothing-00000000.js',
  '/page/..%2Fdocs%2FLICENSE.js',
  '/page/.js',
  `/page/${'a'.repeat(65)}.js`,
  `/build/${'A'.repeat(64)}`,
  '/build/abc',
  '/checks',
])('%s: 404 in JSON, as anything else that is not there', async (path) => {
  const response = await ask(path);
  expect(response.status).toBe(404);
  expect(((await response.json()) as { detail: string }).detail).toBe('no such page');
});

test('POST to the page: 405', async () => {
  const response = await ask('/', { method: 'POST' });
  expect(response.status).toBe(405);
});
