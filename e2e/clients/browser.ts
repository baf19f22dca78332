/**
 * A browser's part in LuCI and firmware-selector: preflights, CORS, compressed answers. A page never sees what the browser
 * keeps from it: an answer without CORS, or a redirect after a preflight, is to it as if the server were down.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { NoAnswer } from './client-failure.ts';
import { addressOf, exchange, type RawAnswer } from './raw-http.ts';

export interface PageRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** As the page's script sets it; another than a form's makes the browser ask first. */
  readonly contentType?: string;
  /** Of a POST; a browser drops the body of a GET, but not its content type. */
  readonly body?: string;
  /** `fetch(…, { cache: 'no-cache' })` */
  readonly revalidates?: boolean;
}

const FORM_TYPES: readonly string[] = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];
/** Chrome remembers a preflight for two hours at most. */
const MAX_PREFLIGHT_SECONDS = 7200;

export class Browser {
  /** `OPTIONS /path`, `GET /path` … in order. */
  readonly asked: string[] = [];
  readonly #origin: string;
  /** Method and URL to the time until which its preflight holds. */
  readonly #allowed = new Map<string, number>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** XMLHttpRequest or fetch to another origin. @throws NoAnswer for all that a page is not told */
  async request(request: PageRequest): Promise<RawAnswer> {
    const { method, url, contentType, body } = request;
    if (contentType !== undefined && !FORM_TYPES.includes(contentType)) await this.#preflight(method, url);
    const answer = await this.#send(method, url, body, [
      ['Origin', this.#origin],
      ...(contentType === undefined ? [] : [['Content-Type', contentType] as const]),
      ...(request.revalidates ? [['Cache-Control', 'max-age=0'] as const] : []),
    ]);
    this.#mayRead(answer, url);
    if (answer.status >= 300 && answer.status < 400) throw new NoAnswer(`${url}: redirected`);
    return answer;
  }

  /** A click on a link: no CORS, and the file goes to the disk. */
  async download(url: string): Promise<RawAnswer> {
    return this.#send('GET', url, undefined, [['Upgrade-Insecure-Requests', '1']]);
  }

  async #preflight(method: string, url: string): Promise<void> {
    const key = `${method} ${url}`;
    if ((this.#allowed.get(key) ?? 0) > Date.now()) return;
    const { status, headers } = await this.#send('OPTIONS', url, undefined, [
      ['Access-Control-Request-Method', method],
      ['Access-Control-Request-Headers', 'content-type'],
      ['Origin', this.#origin],
    ]);
    this.#mayRead({ headers }, url);
    const names = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/\s*,\s*/);
    if (status < 200 || status > 299 || !(names.includes('content-type') || names.includes('*')))
      throw new NoAnswer(`${url}: the preflight was answered with ${status} and allows ${names.join(', ')}`);
    const seconds = Math.min(Number(headers.get('access-control-max-age') ?? 5), MAX_PREFLIGHT_SECONDS);
    this.#allowed.set(key, Date.now() + seconds * 1000);
  }

  #mayRead({ headers }: Pick<RawAnswer, 'headers'>, url: string): void {
    const allowed = headers.get('access-control-allow-origin');
    if (allowed !== '*' && allowed !== this.#origin) throw new NoAnswer(`${url}: no CORS (${allowed ?? 'no header'})`);
  }

  async #send(
    method: string,
    url: string,
    body: string | undefined,
    headers: readonly (readonly [string, string])[],
  ): Promise<RawAnswer> {
    const { host, port, path } = addressOf(url);
    this.asked.push(`${method} ${path}`);
    const answer = await exchange({
      method,
      url,
      patienceMs: 60_000,
      headers: [
        ['Host', `${host}:${port}`],
        ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
        ['Accept', '*/*'],
        ['Accept-Language', 'en-US,en;q=0.5'],
        ['Accept-Encoding', 'gzip, deflate, br'],
        ['Referer', `${this.#origin}/`],
        ...headers,
        ['Connection', 'keep-alive'],
        ['Sec-Fetch-Mode', 'cors'],
        ['Sec-Fetch-Site', 'cross-site'],
      ],
      ...(method === 'POST' && body !== undefined && { body: { text: body, framing: 'length' } }),
    });
    return { ...answer, body: decoded(answer) };
  }
}

/** Those that a page may read of any answer. */
const OPEN_HEADERS: readonly string[] = [
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
];

/** `getResponseHeader`: of another origin's answer a page is told what that exposes, and null for all else. */
export function pageHeader({ headers }: RawAnswer, name: string): string | null {
  const exposed = (headers.get('access-control-expose-headers') ?? '').toLowerCase().split(/\s*,\s*/);
  const isOpen = OPEN_HEADERS.includes(name) || exposed.includes(name) || exposed.includes('*');
  return isOpen ? (headers.get(name) ?? null) : null;
}

function decoded({ headers, body }: RawAnswer): Buffer {
  const encoding = headers.get('content-encoding');
  if (encoding === undefined || encoding === 'identity' || body.length === 0) return body;
  if (encoding === 'gzip') return gunzipSync(body);
  if (encoding === 'br') return brotliDecompressSync(body);
  throw new NoAnswer(`expected gzip or br, got ${encoding}`);
}
