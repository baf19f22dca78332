/** One farm in the bench's Foreman, filled and measured. Both may take minutes, so nobody stands by the clock of `fetch` here. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import type { ForemanServer } from './foreman-server.ts';
import type { MeasuredQueue } from './measured.ts';

export interface FarmToMeasure {
  readonly queued: number;
  readonly results: number;
  readonly rounds: number;
  /** Also what is done with what is published. */
  readonly isOfResults?: boolean;
}

export async function measureForeman(
  { url, faults }: ForemanServer,
  { queued, results, rounds, isOfResults = false }: FarmToMeasure,
  signal: AbortSignal,
): Promise<MeasuredQueue> {
  const asked = `${url}/?queued=${queued}&results=${results}&rounds=${rounds}${isOfResults ? '&of-results' : ''}`;
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(asked, { signal }, resolve).on('error', reject);
  });
  const said = await text(answer);
  if (answer.statusCode !== 200) throw new Error(`the Foreman: expected 200, got ${answer.statusCode}: ${said}`);
  if (faults.length > 0) throw new Error(`the Foreman: ${faults.length} faults in its log, first ${faults[0]}`);
  return JSON.parse(said) as MeasuredQueue;
}
