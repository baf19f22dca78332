/**
 * A build as somebody at a terminal sees it: one living line of where it is, what is waited for, how much has come; plain lines,
 * and fewer of them, where nobody looks at them change.
 */
import type { BuiltImage, PendingAnswer } from '../client/build-answer.ts';
import type { Waiting } from '../client/patience.ts';
import { LiveLine } from '../stack/live-line.ts';
import { lineKey, TransferProgress } from './transfer-progress.ts';

const TICK_MS = 1000;

export class BuildProgress {
  readonly #line: LiveLine;
  readonly #showsLog: boolean;
  /** What is shown changes with the clock; where nobody looks, lines are for news. */
  readonly #clock: NodeJS.Timeout | undefined;
  #pending: { readonly answer: PendingAnswer; readonly atMs: number } | null = null;

  constructor(stream: NodeJS.WriteStream, showsLog: boolean) {
    this.#line = new LiveLine(stream);
    this.#showsLog = showsLog;
    if (stream.isTTY) this.#clock = setInterval(() => this.#draw(), TICK_MS).unref();
  }

  pending(answer: PendingAnswer): void {
    this.#pending = { answer, atMs: performance.now() };
    this.#draw();
  }

  log(lines: readonly string[]): void {
    if (this.#showsLog) for (const line of lines) this.#line.print(line);
  }

  restart(): void {
    if (this.#showsLog) this.#line.print('--- the build is done again from its beginning, by another machine ---');
  }

  deaf(): void {
    if (this.#showsLog)
      this.#line.print('--- the server does not tell the log now; the build is followed without it ---');
  }

  waiting({ reason, waitMs }: Waiting): void {
    this.#pending = null;
    this.#line.update(`${reason}; trying again in ${Math.ceil(waitMs / 1000)} s`, `waiting ${reason}`);
  }

  /** Gives what is to be told of each byte. */
  download(image: BuiltImage): (bytesDone: number) => void {
    this.#pending = null;
    const transfer = new TransferProgress();
    return (bytesDone) =>
      this.#line.update(
        `${image.name}  ${transfer.text(bytesDone, image.size, performance.now())}`,
        `${image.name} ${lineKey(bytesDone, image.size)}`,
      );
  }

  /** A line that stays, in place of the living one. */
  say(text: string): void {
    this.#pending = null;
    this.#line.end(text);
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  #draw(): void {
    if (this.#pending === null) return;
    const { answer, atMs } = this.#pending;
    const { queue_position, imagebuilder_status, progress } = answer;
    const bytes = progress && lineKey(progress.bytes, progress.total);
    const key = queue_position === undefined ? `${imagebuilder_status} ${bytes ?? ''}` : `queued ${queue_position}`;
    this.#line.update(pendingText(answer, performance.now() - atMs), key);
  }
}

/** `agoMs`: since the answer came; an estimate shrinks meanwhile. */
function pendingText(
  { queue_position, eta_seconds, imagebuilder_status, progress }: PendingAnswer,
  agoMs: number,
): string {
  const left = eta_seconds === undefined ? null : Math.round(eta_seconds - agoMs / 1000);
  const estimate = left === null ? [] : [left > 0 ? `about ${left} s left` : 'any moment now'];
  if (queue_position !== undefined) return [place(queue_position), ...estimate].join('  ');
  const step = imagebuilder_status.replaceAll('_', ' ');
  const transfer = progress ? [new TransferProgress().text(progress.bytes, progress.total, 0)] : [];
  return [step, ...transfer, ...estimate].join('  ');
}

const place = (position: number): string =>
  position === 0 ? 'in the queue, next in line' : `in the queue, ${position} before it`;
