/**
 * The bench's way into the edge's KV, and the count of what the edge reads there. KV has no counter of its own, and a bench
 * that reads KV on each request would measure SQLite and call it the edge.
 */
interface Kv {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

interface Fetcher {
  fetch(request: Request): Promise<Response>;
}

let reads = 0;

/** What the edge has for `CACHE`: the real namespace, behind one more hop. */
export const counted = {
  fetch(request: Request, env: { readonly KV_SERVICE: Fetcher }): Promise<Response> {
    if (request.method === 'GET') reads++;
    return env.KV_SERVICE.fetch(request);
  },
};

export default {
  async fetch(request: Request, env: { readonly KV: Kv }): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/reads') return Response.json({ reads });
    if (request.method === 'PUT') {
      const entries = (await request.json()) as readonly (readonly [key: string, value: string])[];
      await Promise.all(entries.map(([key, value]) => env.KV.put(key, value)));
      return new Response(null, { status: 204 });
    }
    const value = await env.KV.get(decodeURIComponent(pathname.slice(1)));
    return value === null ? new Response(null, { status: 404 }) : new Response(value);
  },
};
