/** How a download is told: how much, how fast, how long yet. Pure, so that it can be tested without waiting. */
import { tellBytes } from '../../shared/text/byte-size.ts';

const BAR_WIDTH = 20;
/** Before that a rate is chance. */
const MIN_MS = 1000;

export class TransferProgress {
  /** What was there already is not counted as fast. */
  #first: { readonly bytes: number; readonly atMs: number } | null = null;

  /** @param bytesTotal 0 where it is not known */
  text(bytesDone: number, bytesTotal: number, atMs: number): string {
    this.#first ??= { bytes: bytesDone, atMs };
    const elapsedMs = atMs - this.#first.atMs;
    const perSecond = elapsedMs < MIN_MS ? 0 : ((bytesDone - this.#first.bytes) * 1000) / elapsedMs;
    const rate = perSecond > 0 ? [`${tellBytes(Math.round(perSecond))}/s`] : [];
    if (bytesTotal <= 0) return [tellBytes(bytesDone), ...rate].join('  ');
    const share = Math.min(1, bytesDone / bytesTotal);
    const full = Math.floor(share * BAR_WIDTH);
    const left = perSecond > 0 ? [`${duration(Math.max(0, bytesTotal - bytesDone) / perSecond)} left`] : [];
    return [
      `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`,
      `${String(Math.floor(share * 100)).padStart(3)} %`,
      `${tellBytes(bytesDone)} of ${tellBytes(bytesTotal)}`,
      ...rate,
      ...left,
    ].join('  ');
  }
}

/** For who reads lines: one for each tenth, or for each 10 MiB where the whole is not known. */
export const lineKey = (bytesDone: number, bytesTotal: number): string =>
  bytesTotal > 0
    ? `tenth ${Math.floor((10 * bytesDone) / bytesTotal)}`
    : `part ${Math.floor(bytesDone / (10 * 1024 ** 2))}`;

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
