/**
 * What a waiting build still takes beside a free node, in words and in seconds. Operators who are not there are not made up for by
 * fewer, so whoever waits for them must be told that, and not be shown a place in the queue that never comes.
 */

export type WaitsFor =
  /** Volunteers have built it; `of` must, and agree. `isHere`: enough of those that are missing are there, or a trusted node. */
  | { readonly kind: 'operators'; readonly built: number; readonly of: number; readonly isHere: boolean }
  /** `built`: has a volunteer built it? */
  | { readonly kind: 'a trusted node'; readonly built: boolean; readonly isHere: boolean };

/** Nobody knows when they come; it is what clients are shown, and how often they ask is made from it. */
const ABSENT_SECONDS = 1_200;

/** `detail` of a 202. */
export function waitingDetail(waitsFor: WaitsFor | undefined): string {
  if (!waitsFor) return 'queued';
  if (waitsFor.kind === 'operators') {
    const { built, of, isHere } = waitsFor;
    const done = `verifying: built by ${built} of ${of} independent operators`;
    return isHere ? done : `${done}; the others are not here now, so it waits for them or for a trusted node`;
  }
  const { built, isHere } = waitsFor;
  const done = built ? 'verifying: built once, and to be built by a trusted node' : 'queued for a trusted node';
  return isHere ? done : `${done}; none is here now, so it waits for one`;
}

/** `seconds`: what the queue ahead takes. Others build it after each other. */
export function waitingSeconds(seconds: number, typicalMs: number, waitsFor: WaitsFor | undefined): number {
  if (!waitsFor) return seconds;
  const more = waitsFor.kind === 'operators' ? Math.max(0, waitsFor.of - waitsFor.built - 1) : 0;
  const all = seconds + Math.round((more * typicalMs) / 1000);
  return waitsFor.isHere ? all : Math.max(all, ABSENT_SECONDS);
}
