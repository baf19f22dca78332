/**
 * The id of an event: how far a listener had come, so that one whose line broke goes on there. It names the try that it
 * listened to and the last piece of that try's log; without the first, a build that began again would go on in the middle.
 *
 *     start                 nothing of a log was told
 *     <mark>.<piece>        the log of this try, up to this piece; 0 before the first one
 *     end                   the build has ended and that was told: there is nothing more to come
 */
import { LOG_LIMITS } from '../build/build-log.ts';
import { sha256Hex } from '../crypto/digest.ts';

/** Where a listener stands who has something to expect. */
export type OpenPoint =
  | { readonly kind: 'start' }
  | { readonly kind: 'log'; readonly mark: string; readonly piece: number };

export type ResumePoint = OpenPoint | { readonly kind: 'end' };

const LOG_POINT = /^([0-9a-f]{16})\.(0|[1-9][0-9]{0,3})$/;

/** Tells tries apart and no more: a lease's own name is part of where its files lie. */
export const leaseMark = (leaseId: string): string => sha256Hex(leaseId).slice(0, 16);

export const eventId = (point: ResumePoint): string =>
  point.kind === 'log' ? `${point.mark}.${point.piece}` : point.kind;

/** Null for what is none of ours; it is then as if nothing had been told. */
export function resumePoint(id: string): ResumePoint | null {
  if (id === 'start' || id === 'end') return { kind: id };
  const [, mark, digits] = LOG_POINT.exec(id) ?? [];
  const piece = Number(digits);
  return mark !== undefined && piece <= LOG_LIMITS.pieces ? { kind: 'log', mark, piece } : null;
}
