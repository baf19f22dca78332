/** A visitor with a wish: who is told of a fault of ours asks again a little later, and so on until there is an image or a true no. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientFailure, NoAnswer } from '../clients/client-failure.ts';
import { ASK, bodyOf } from './ask.ts';
import type { Catalogue } from './catalogue.ts';
import type { Ledger } from './ledger.ts';
import type { PlannedVisit } from './plan.ts';
import { keyOf } from './wishes.ts';

export type VisitEnd = 'image' | 'refused' | 'left' | 'stopped';

export interface VisitPlace {
  readonly serverUrl: string;
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
}

const AGAIN_MS = 3_000;

export async function visit(
  { client, wish, leaves }: Omit<PlannedVisit, 'atMs'>,
  { serverUrl, catalogue, ledger }: VisitPlace,
  signal: AbortSignal,
): Promise<VisitEnd> {
  const stopped = new Promise<'stopped'>((resolve) => {
    if (signal.aborted) resolve('stopped');
    signal.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  if (leaves) {
    const body = JSON.stringify(bodyOf(client, wish, catalogue));
    const headers = { 'content-type': 'application/json' };
    await fetch(`${serverUrl}/api/v1/build`, { method: 'POST', body, headers, signal }).catch(() => undefined);
    return 'left';
  }
  const persist = async (): Promise<VisitEnd> => {
    while (!signal.aborted) {
      try {
        await ASK[client](serverUrl, wish, catalogue);
        return 'image';
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (signal.aborted) break;
        // A download that broke off is told to the user, as every failure is that a client shows.
        const isShown = error instanceof NoAnswer || (error instanceof ClientFailure && error.kind === 'shown');
        if (!isShown) ledger.wrong(`${client}: ${message}`);
        if (ledger.refused.has(keyOf(wish))) return 'refused';
      }
      await sleep(AGAIN_MS);
    }
    return 'stopped';
  };
  return Promise.race([persist(), stopped]);
}
