/**
 * uclient, OpenWrt's HTTP library, under owut and auc: a connection per request, `Host`, `User-Agent`, and nothing else. A
 * POST goes out in chunks without a length. It decodes no gzip, follows no redirect by itself, and knows that an answer has
 * ended by its length or its last chunk only.
 */
import { ClientFailure } from './client-failure.ts';
import { addressOf, exchange, type RawAnswer } from './raw-http.ts';

export interface UclientOptions {
  /** Absent: no such header at all. */
  readonly userAgent?: string;
  /** Older ones leave the port out of `Host`. */
  readonly hostHasPort: boolean;
  readonly patienceMs: number;
}

export class Uclient {
  /** `GET /path` of every request, in order. */
  readonly asked: string[] = [];
  readonly #options: UclientOptions;

  constructor(options: UclientOptions) {
    this.#options = options;
  }

  get(url: string): Promise<RawAnswer> {
    return this.#send('GET', url);
  }

  head(url: string): Promise<RawAnswer> {
    return this.#send('HEAD', url);
  }

  /** `contentType`: of today, where a client says nothing else. */
  postJson(url: string, json: string, contentType = 'application/json'): Promise<RawAnswer> {
    return this.#send('POST', url, json, contentType);
  }

  async #send(method: string, url: string, json?: string, contentType = ''): Promise<RawAnswer> {
    const { host, port, path } = addressOf(url);
    this.asked.push(`${method} ${path}`);
    const { userAgent, hostHasPort, patienceMs } = this.#options;
    const answer = await exchange({
      method,
      url,
      patienceMs,
      headers: [
        ['Host', hostHasPort ? `${host}:${port}` : host],
        ...(userAgent === undefined ? [] : [['User-Agent', userAgent] as const]),
        ...(json === undefined ? [] : [['Content-Type', contentType] as const]),
      ],
      ...(json !== undefined && { body: { text: json, framing: 'chunked' } }),
    });
    const encoding = answer.headers.get('content-encoding');
    // It looks at no such header, so the one that says that nothing was done to the bytes does it no harm.
    if (encoding !== undefined && encoding !== 'identity')
      throw new ClientFailure('crashed', `${method} ${path}: got ${encoding}, which it neither asked for nor decodes`);
    if (answer.status >= 300 && answer.status < 400)
      throw new ClientFailure('crashed', `${method} ${path}: redirected, which it follows only since 2026`);
    return answer;
  }
}
