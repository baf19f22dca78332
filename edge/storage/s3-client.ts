/**
 * One question to an S3 server and its answer: path-style address, Signature V4 (aws4fetch), a time limit, and tries again
 * where that can do no harm. Redirects are not followed: a signed request must not travel on to a place that the operator
 * never named. Without this layer each operation of `s3.ts` would have its own idea of what a failure is.
 */
import { AwsClient } from 'aws4fetch';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { withoutTrailingSlashes } from '../../shared/text/trailing-slashes.ts';
import { assertObjectKey } from './object-key.ts';
import { READING_MS, SLOWEST_BYTES_PER_MS } from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';
import { readText } from './read-text.ts';
import { isPassing, readRefusal, refusalError, type S3Refusal } from './s3-error.ts';

export interface S3Place {
  /** `https://host[:port][/path]`; the bucket follows as the first segment of the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Patience {
  /** How often a request is tried that may be repeated. */
  readonly attempts: number;
  /** Before the second try, on average; doubles each time. */
  readonly firstDelayMs: number;
  /** Until the answer begins, for a request without a body; and then to the end of a short one. */
  readonly timeoutMs: number;
}

const usualPatience: S3Patience = { attempts: 3, firstDelayMs: 100, timeoutMs: READING_MS };

export interface S3Question {
  readonly method: 'HEAD' | 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Covered by the signature. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly range?: string;
  readonly body?: ReadableStream<Uint8Array> | Uint8Array;
  readonly size?: number;
  /** Of the body; what S3 calls the payload hash. */
  readonly sha256?: string;
  /** Whether the question may be put twice: it changes nothing more by that, and its body is still there. */
  readonly again: 'possible' | 'impossible';
  readonly signal?: AbortSignal;
}

export type S3Answer =
  | { readonly state: 'answered'; readonly response: Response }
  /** Also when nobody answered: then the status is 0. */
  | {
      readonly state: 'refused';
      readonly refusal: S3Refusal;
      readonly error: ObjectStoreError;
      /** Worth a try at once. Not what took all of its time: who asks would wait as long again. */
      readonly mayPass: boolean;
    };

const sha256OfNothing = sha256Hex('');

export class S3Client {
  readonly #signer: AwsClient;
  readonly #bucketUrl: string;
  readonly #patience: S3Patience;

  constructor(place: S3Place, patience: Partial<S3Patience> = {}) {
    const { accessKeyId, secretAccessKey, region } = place;
    this.#signer = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3' });
    this.#bucketUrl = `${withoutTrailingSlashes(place.endpoint)}/${encodeURIComponent(place.bucket)}`;
    this.#patience = { ...usualPatience, ...patience };
  }

  /** For answers that are short texts. S3 may say 200 first and `<Error>` afterwards, when completing takes long. */
  async text(question: S3Question): Promise<string> {
    const answer = await this.ask(question);
    if (answer.state === 'refused') throw answer.error;
    const xml = await readText(answer.response.body, this.#patience.timeoutMs).catch((cause: unknown) => {
      throw new ObjectStoreError('unavailable', `the S3 store broke off answering ${this.#words(question)}`, { cause });
    });
    if (/^\s*(?:<\?xml[^>]*>\s*)?<Error>/.test(xml)) throw refusalError(readRefusal(400, xml), this.#words(question));
    return xml;
  }

  /** One answer, whatever it is, after as many tries as the question allows. Throws only what `signal` aborted with. */
  async ask(question: S3Question): Promise<S3Answer> {
    if (question.key !== undefined) assertObjectKey(question.key);
    const attempts = question.again === 'possible' ? this.#patience.attempts : 1;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#askOnce(question);
      if (answer.state === 'answered') return answer;
      if (!answer.mayPass || attempt >= attempts) return answer;
      question.signal?.throwIfAborted();
      // Between half and one and a half of the delay, so that many isolates do not come back together.
      await pause(this.#patience.firstDelayMs * 2 ** (attempt - 1) * (0.5 + Math.random()), question.signal);
    }
  }

  async #askOnce(question: S3Question): Promise<S3Answer> {
    const { method, headers, body, size = 0, sha256 = sha256OfNothing, range, signal } = question;
    const signed = await this.#signer.sign(this.#urlOf(question), {
      method,
      headers: { ...headers, 'x-amz-content-sha256': sha256 },
    });
    // Behind the signature, because proxies rewrite them. A body compressed on the way would arrive unpacked and without length.
    signed.headers.set('accept-encoding', 'identity');
    if (range) signed.headers.set('range', range);

    const ended = new AbortController();
    const timeoutMs = this.#patience.timeoutMs + size / SLOWEST_BYTES_PER_MS;
    // Only until the answer begins: a large object may take as long as its reader wants.
    const timer = setTimeout(() => ended.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
    let response: Response;
    try {
      response = await fetch(signed.url, {
        method,
        headers: signed.headers,
        body: body ?? null,
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, ended.signal]) : ended.signal,
      });
    } catch (cause) {
      signal?.throwIfAborted();
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `the S3 store did not answer ${this.#words(question)} (${why})`;
      const error = new ObjectStoreError('unavailable', message, { cause });
      const refusal = { status: 0, code: '', message: why };
      return { state: 'refused', refusal, error, mayPass: !ended.signal.aborted };
    } finally {
      clearTimeout(timer);
    }
    if (response.ok && !isPage(response)) return { state: 'answered', response };
    const text = await readText(response.body, this.#patience.timeoutMs).catch(() => '');
    const refusal = response.ok ? PAGE : readRefusal(response.status, text);
    const error = refusalError(refusal, this.#words(question));
    return { state: 'refused', refusal, error, mayPass: isPassing(refusal.status) };
  }

  #urlOf({ key, query }: S3Question): string {
    // `+` must become %2B: aws4fetch signs a bare one as a space.
    const path = key === undefined ? '' : `/${key.split('/').map(encodeURIComponent).join('/')}`;
    return `${this.#bucketUrl}${path}${query ? `?${new URLSearchParams(query)}` : ''}`;
  }

  #words({ method, key }: S3Question): string {
    return `${method} ${this.#bucketUrl}${key === undefined ? '' : `/${key}`}`;
  }
}

/** What a proxy or a hotel's network says for a store. Swift calls its empty answers HTML too: they are 204, or have a tag. */
const isPage = ({ status, headers }: Response): boolean =>
  status === 200 && headers.get('etag') === null && /^text\/html\b/.test(headers.get('content-type') ?? '');

const PAGE: S3Refusal = { status: 502, code: '', message: 'an HTML page came instead of an answer: check S3_ENDPOINT' };

function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, delayMs);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
