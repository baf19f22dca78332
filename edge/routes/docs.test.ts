import { describe, expect, it, test, vi } from 'vitest';
import { COMPONENTS } from '../../shared/api/components.ts';
import { hexToBytes, sha256Hex } from '../../shared/crypto/digest.ts';
import { app } from '../app.ts';
import { ask, env, jsonOf } from '../edge.fixture.ts';

interface Described {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const described = async (response: Response): Promise<Described> => (await response.json()) as Described;

describe('the document', () => {
  it('is JSON that may be kept for a while and asked for by its tag', async () => {
    const response = await ask('/openapi.json');
    expect(response.status).toBe(200);
    const etag = response.headers.get('etag') ?? '';
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=3600',
      'content-type': 'application/json; charset=utf-8',
      etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
    });
    expect(Object.keys((await described(response)).components.schemas)).toEqual(Object.keys(COMPONENTS));
    const again = await ask('/openapi.json?1763000000', { headers: { 'if-none-match': `W/${etag}` } });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
  });

  it('names the configured address, whatever the request says', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
    expect((await described(await ask('/openapi.json', { headers }))).servers).toEqual([
      { url: 'https://asu.example' },
    ]);
  });
});

describe('document and server agree', () => {
  /** For farm nodes, and what the page itself loads. */
  const LEFT_OUT = [
    /^\/asu\.farm\.v1\./,
    /^\/farm\/v1\//,
    /^\/docs\/:file$/,
    /^\/(?:check|status|lend|build\/:hash|page\/:file)?$/,
  ];
  const routes = app.routes.filter(
    ({ method, path }) => !['ALL', 'OPTIONS'].includes(method) && !LEFT_OUT.some((pattern) => pattern.test(path)),
  );
  /** Whether a route answers the path. */
  const answers = (route: string, path: string): boolean =>
    new RegExp(`^${route.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+').replace('*', '.+')}$`).test(path);

  /** Every operation, its path filled in with its own examples. HEAD is answered wherever GET is. */
  async function documented(): Promise<{ method: string; path: string }[]> {
    const { paths } = await described(await ask('/openapi.json'));
    return Object.entries(paths).flatMap(([path, { parameters = [], ...methods }]) => {
      const examples = new Map(
        (parameters as { name: string; schema: { examples: string[] } }[]).map(({ name, schema }) => [
          name,
          schema.examples?.[0],
        ]),
      );
      const filled = path.replace(/\{(\w+)\}/g, (_, name) => examples.get(name) ?? '');
      return Object.keys(methods).map((method) => ({
        method: method.toUpperCase().replace('HEAD', 'GET'),
        path: filled,
      }));
    });
  }

  it('on every route: none that clients may ask is left out', async () => {
    const operations = await documented();
    expect(routes.length).toBeGreaterThan(10);
    for (const { method, path } of routes)
      expect([method, path, operations.some((one) => one.method === method && answers(path, one.path))]).toEqual([
        method,
        path,
        true,
      ]);
  });

  it('on every operation: none is promised that is not there', async () => {
    for (const { method, path } of await documented())
      expect([method, path, routes.some((route) => route.method === method && answers(route.path, path))]).toEqual([
        method,
        path,
        true,
      ]);
  });
});

describe('the page', () => {
  const open = async (): Promise<{ html: string; policy: Map<string, string[]> }> => {
    const response = await ask('/docs');
    const header = response.headers.get('content-security-policy') ?? '';
    const policy = header.split('; ').map((directive): [string, string[]] => {
      const [name = '', ...sources] = directive.split(' ');
      return [name, sources];
    });
    return { html: await response.text(), policy: new Map(policy) };
  };

  it('is HTML that allows every origin to read it and none to frame it', async () => {
    const response = await ask('/docs');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=3600',
    });
    expect((await open()).policy.get('frame-ancestors')).toEqual(["'none'"]);
    await response.body?.cancel();
  });

  it('loads from this server alone, and its policy lets it do nothing else', async () => {
    const { html, policy } = await open();
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses).toContain('/openapi.json');
    for (const address of addresses) expect(address).toMatch(/^(?:\/docs\/[\w.-]+|\/openapi\.json|data:,)$/);
    expect(html).not.toMatch(/https?:\/\//);
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('connect-src')).toEqual(["'self'", 'https://asu.example']);
    for (const sources of policy.values())
      for (const source of sources)
        expect(source).toMatch(/^(?:'none'|'self'|data:|https:\/\/asu\.example|'sha256-[A-Za-z0-9+/]{43}=')$/);
  });

  it('runs its own script and shows its own style, by their digests', async () => {
    const { html, policy } = await open();
    const digest = (text: string) => `'sha256-${btoa(String.fromCharCode(...hexToBytes(sha256Hex(text))))}'`;
    const inline = (tag: string) =>
      [...html.matchAll(new RegExp(`<${tag}>([^<]+)</${tag}>`, 'g'))].map(([, text]) => text);
    expect(inline('script').map((text) => digest(text ?? ''))).toEqual(policy.get('script-src')?.slice(1));
    expect(inline('style').map((text) => digest(text ?? ''))).toEqual(policy.get('style-src')?.slice(1));
  });

  it('finds all that it loads', async () => {
    const { html } = await open();
    const files = [...html.matchAll(/="(\/docs\/[^"]+)"/g)].map(([, file]) => file as string);
    expect(files.length).toBe(2);
    for (const file of files) {
      const response = await ask(file);
      if (response.status !== 200)
        throw new Error(`expected ${file}, got ${await response.text()}; \`npm ci\` puts it there`);
      expect(response.headers.get('content-type')).toMatch(file.endsWith('.css') ? /^text\/css/ : /^text\/javascript/);
      expect((await response.text()).length).toBeGreaterThan(100_000);
    }
  });
});

describe("the viewer's files", () => {
  it.each([
    ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['swagger-ui.css', 'text/css; charset=utf-8'],
    ['LICENSE', 'text/plain; charset=utf-8'],
    ['NOTICE', 'text/plain; charset=utf-8'],
    ['swagger-ui-bundle.js.LICENSE.txt', 'text/plain; charset=utf-8'],
  ])('%s has its type and a tag, for every origin', async (file, type) => {
    const response = await ask(`/docs/${file}`);
    expect(response.status).toBe(200);
    const etag = response.headers.get('etag') ?? '';
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': type,
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=3600',
      etag: expect.stringMatching(/^"\w+"$/),
    });
    await response.body?.cancel();
    const again = await ask(`/docs/${file}?1`, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it.each([
    '/docs/',
    '/docs/nosuch.js',
    '/docs/.assetsignore',
    '/docs/..%2f.assetsignore',
    '/docs/docs/LICENSE',
    '/docs/__proto__',
    '/swagger-ui.css',
    '/.assetsignore',
    '/index.html',
  ])('%s is none: a 404 in JSON, and no redirect', async (path) => {
    const response = await ask(path, { redirect: 'manual' });
    expect(response.status).toBe(404);
    await jsonOf(response);
  });

  it('are asked for with GET and HEAD', async () => {
    const response = await ask('/docs/swagger-ui.css', { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    await jsonOf(response);
  });
});

describe('a server without the files of the viewer', () => {
  const asked = (path: string, assets: unknown): Promise<Response> | Response =>
    app.request(`https://asu.example${path}`, {}, { ...env, ASSETS: assets });

  test.each<[string, unknown]>([
    ['and without assets at all, as in plain workerd', undefined],
    ['in its assets', { fetch: async () => new Response(null, { status: 404 }) }],
  ])('%s still has the page with its link, and the document', async (_, assets) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const page = await asked('/docs', assets);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<a href="/openapi.json">')]);
    expect((await asked('/openapi.json', assets)).status).toBe(200);
    const file = await asked('/docs/swagger-ui.css', assets);
    expect(file.status).toBe(404);
    await jsonOf(file);
    // Where they should be there, whoever runs the server is told how they get there.
    expect(log.mock.calls.join()).toMatch(assets === undefined ? /^$/ : /npm ci/);
    log.mockRestore();
  });
});
