/**
 * What a listener is told of a build, and when: only what is news to it. Pure, so that each way a build can go is a row of a
 * table: queued, started, begun again by another node, ended while nobody listened.
 */
import { eventId, leaseMark, type OpenPoint } from '../http/resume-point.ts';
import type { ServerSentEvent } from '../http/server-sent-event.ts';
import { waitingDetail } from '../trust/waits-for.ts';
import { type BuildStatus, pendingBody } from './build-state.ts';

/** What was told so far. */
export interface Told {
  readonly point: OpenPoint;
  /** Of the state; empty while none was told. */
  readonly state: string;
}

export interface Telling {
  readonly told: Told;
  readonly events: readonly ServerSentEvent[];
}

/** A listener who comes, or comes back: the state is news in any case, the log from where it was. */
export const newcomer = (point: OpenPoint): Told => ({ point, state: '' });

/** Turns to the try that counts now; null while there is none. Says so if the listener had heard another one. */
export function turnTo(told: Told, leaseId: string | null): Telling {
  const { point } = told;
  const mark = leaseId === null ? null : leaseMark(leaseId);
  if (point.kind === 'log' ? point.mark === mark : mark === null) return { told, events: [] };
  const next: OpenPoint = mark === null ? { kind: 'start' } : { kind: 'log', mark, piece: 0 };
  const events = point.kind === 'log' ? [{ event: 'restart', id: eventId(next), data: RESTART }] : [];
  return { told: { ...told, point: next }, events };
}

const RESTART = JSON.stringify({
  detail: 'The build is done again from its beginning; the log so far is of a try that was given up',
});

/** The body that a poll would get, if it says something new. An estimate that shrinks with the clock is no news. */
export function tellState(told: Told, status: Extract<BuildStatus, { state: 'queued' | 'running' }>): Telling {
  const state =
    status.state === 'queued'
      ? `queued ${status.position} ${waitingDetail(status.waitsFor)}`
      : `running ${status.leaseId} ${status.step} ${status.bytesDone}/${status.bytesTotal}`;
  if (state === told.state) return { told, events: [] };
  const data = JSON.stringify(pendingBody(status));
  return { told: { ...told, state }, events: [{ event: 'state', id: eventId(told.point), data }] };
}

/** The next piece of the log of the try that was turned to; its lines are `data`. */
export function tellLog(told: Told, data: string): Telling {
  if (told.point.kind !== 'log') throw new Error('expected a try whose log is told, got none');
  const point = { ...told.point, piece: told.point.piece + 1 };
  return { told: { ...told, point }, events: [{ event: 'log', id: eventId(point), data }] };
}

/** The last word; whoever comes back with its id has nothing more to expect. */
export const endEvent = (event: 'done' | 'failed', body: string): ServerSentEvent => ({
  event,
  id: eventId({ kind: 'end' }),
  data: body,
});
