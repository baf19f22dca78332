/** What a server has to say for an image, asked piece by piece. Nothing of it is believed here (shared/trust/verify-image.ts). */
import { createHash } from 'node:crypto';
import type { AskedLog } from '../../shared/trust/verify-image.ts';
import {
  ask,
  askText,
  CONNECT_TIMEOUT_MS,
  IMAGE_COMES,
  MAX_ERROR_BYTES,
  open,
  readText,
  refusalOf,
  within,
} from './ask.ts';
import { MAX_IMAGE_BYTES } from './build-answer.ts';
import { BadAnswer, NotNow, RequestRefused } from './faults.ts';
import type { Patience } from './patience.ts';

/** As many records behind an image are asked for one by one; a log that goes on for longer is looked at up to there. */
const MAX_RECORDS = 2_000;
const AT_ONCE = 8;
const MAX_KEY_BYTES = 4 * 1024;

export interface AskedEdge {
  /** Without a slash at its end. */
  readonly edgeUrl: string;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** Null where the server has nothing of such a build. */
export const askProvenance = (edge: AskedEdge, hash: string): Promise<unknown> =>
  askOrNull(edge, `/api/v1/build/${hash}/provenance`);

export const askHead = (edge: AskedEdge): Promise<unknown> => askOrNull(edge, '/log/head');

/** Records behind `from` up to `to`, each null where there is none. */
export async function askRecords(
  edge: AskedEdge,
  from: number,
  to: number,
): Promise<Pick<AskedLog, 'behind' | 'isPart'>> {
  const count = Math.max(0, to - from);
  const numbers = Array.from({ length: Math.min(MAX_RECORDS, count) }, (_, at) => from + 1 + at);
  const records: unknown[] = [];
  for (let at = 0; at < numbers.length; at += AT_ONCE)
    records.push(
      ...(await Promise.all(numbers.slice(at, at + AT_ONCE).map((number) => askOrNull(edge, `/log/${number}`)))),
    );
  return { behind: records, isPart: count > MAX_RECORDS };
}

/** PEM. */
export async function askKey({ edgeUrl, patience, signal }: AskedEdge): Promise<string> {
  const expected = { what: 'the whole key', maxBytes: MAX_KEY_BYTES, timeoutMs: IMAGE_COMES.idleMs };
  return await patience.persist(() => askText(`${edgeUrl}/keys/edge.pub`, expected, signal), signal);
}

/** Of what is at the address, without keeping any of it. */
export async function askSha256(url: string, { patience, signal }: Omit<AskedEdge, 'edgeUrl'>): Promise<string> {
  return await patience.persist(
    () =>
      within(signal, async (watchdog) => {
        watchdog.expect('an answer', CONNECT_TIMEOUT_MS);
        const response = await open(url, { headers: { 'accept-encoding': 'identity' } }, watchdog.signal);
        watchdog.expect('more bytes', IMAGE_COMES.idleMs);
        if (response.status !== 200) throw refusalOf(response, await readText(response, MAX_ERROR_BYTES));
        const length = Number(response.headers.get('content-length') ?? Number.NaN);
        mustBeImage(length);
        const hash = createHash('sha256');
        let bytes = 0;
        watchdog.expectPace(IMAGE_COMES.pace.bytes, IMAGE_COMES.pace.ms, () => bytes);
        for await (const chunk of response.body ?? []) {
          hash.update(chunk);
          bytes += chunk.length;
          mustBeImage(bytes);
          watchdog.expect('more bytes', IMAGE_COMES.idleMs);
        }
        if (bytes < length) throw new NotNow(`it ended after ${bytes} of ${length} bytes`);
        return hash.digest('hex');
      }),
    signal,
  );
}

function mustBeImage(bytes: number): void {
  if (bytes > MAX_IMAGE_BYTES)
    throw new BadAnswer(`expected an image of at most ${MAX_IMAGE_BYTES} bytes, got ${bytes} or more`);
}

async function askOrNull({ edgeUrl, patience, signal }: AskedEdge, path: string): Promise<unknown> {
  try {
    return (await patience.persist(() => ask(`${edgeUrl}${path}`, {}, signal), signal)).json;
  } catch (error) {
    if (error instanceof RequestRefused && error.status === 404) return null;
    throw error;
  }
}
