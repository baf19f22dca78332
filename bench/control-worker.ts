/**
 * The bench's way into the edge's KV, the count of what the edge reads there, and the time that such a read takes. KV has no counter of its own, and a bench
 * that reads KV on each request would measure SQLite and call it the edge.
 */
interface Kv {
  get(key: string): Promise<string | null>;
  get(key: string, type: 'json'): Promise<unknown>;
  put(key: string, value: string): Promise<void>;
}

interface Fetcher {
  fetch(request: Request): Promise<Response>;
}

/** Since the beginning, by what stands under the key. */
const reads = { results: 0, catalogue: 0, others: 0 };

function kindOf(url: string): keyof typeof reads {
  const key = decodeURIComponent(new URL(url).pathname.slice(1));
  if (key.startsWith('result/')) return 'results';
  return key.startsWith('catalogue/') ? 'catalogue' : 'others';
}

/** What the edge has for `CACHE`: the real namespace, behind one more hop. */
export const counted = {
  fetch(request: Request, env: { readonly KV_SERVICE: Fetcher }): Promise<Response> {
    if (request.method === 'GET') reads[kindOf(request.url)] += 1;
    return env.KV_SERVICE.fetch(request);
  },
};

export default {
  async fetch(request: Request, env: { readonly KV: Kv }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const key = decodeURIComponent(pathname.slice(1));
    if (pathname === '/reads') return Response.json(reads);
    if (request.method === 'PUT') {
      const entries = (await request.json()) as readonly (readonly [key: string, value: string])[];
      await Promise.all(entries.map(([key, value]) => env.KV.put(key, value)));
      return new Response(null, { status: 204 });
    }
    if (searchParams.has('times')) return timeReads(env.KV, key, Number(searchParams.get('times')));
    const value = await env.KV.get(key);
    return value === null ? new Response(null, { status: 404 }) : new Response(value);
  },
};

async function timeReads(kv: Kv, key: string, times: number): Promise<Response> {
  const started = performance.now();
  let document: unknown;
  for (let read = 0; read < times; read++) document = await kv.get(key, 'json');
  const totalMs = performance.now() - started;
  const { packages } = (document ?? {}) as { readonly packages?: object };
  return Response.json({ totalMs, entries: Object.keys(packages ?? {}).length });
}
