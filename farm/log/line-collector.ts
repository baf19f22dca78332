/**
 * From what a process prints, in whatever chunks it comes, to whole lines that may be shown: scrubbed while they are whole,
 * since a path of this machine that is cut in two is not found, and not more of them than a log may have.
 */
import { StringDecoder } from 'node:string_decoder';
import { LOG_LIMITS, shownLine } from '../../shared/build/build-log.ts';

export type OutputStream = 'stdout' | 'stderr';

export interface LineCollectorOptions {
  /** Takes out of a line what nobody is to see. */
  readonly scrub: (line: string) => string;
  readonly onLines: (lines: readonly string[]) => void;
}

/** Of one line as it is shown; what is longer says nothing to a reader. */
const SHOWN_LENGTH = 4_096;
/** Of one line before it is scrubbed. */
const KEPT_LENGTH = 4 * SHOWN_LENGTH;
const CUT = ' [cut]';
export const REST_LEFT_OUT = '[the rest of this log is left out]';

export class LineCollector {
  readonly #options: LineCollectorOptions;
  /** stdout and stderr apart, so that a line of one does not end up in the middle of a line of the other. */
  readonly #streams = { stdout: new Partial(), stderr: new Partial() };
  #bytesLeft: number = LOG_LIMITS.logBytes;

  constructor(options: LineCollectorOptions) {
    this.#options = options;
  }

  push(stream: OutputStream, chunk: Buffer): void {
    if (this.#bytesLeft > 0) this.#tell(this.#streams[stream].push(chunk));
  }

  /** Lines that nothing ended. */
  end(): void {
    for (const partial of Object.values(this.#streams)) this.#tell(partial.end());
  }

  #tell(whole: readonly string[]): void {
    const lines: string[] = [];
    for (const raw of whole) {
      if (this.#bytesLeft <= 0) break;
      const line = cut(shownLine(this.#options.scrub(raw)));
      this.#bytesLeft -= Buffer.byteLength(line) + 1;
      lines.push(this.#bytesLeft > 0 ? line : REST_LEFT_OUT);
    }
    if (lines.length > 0) this.#options.onLines(lines);
  }
}

/** The line that is being printed. */
class Partial {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #isFull = false;
  /** Half of a line's end, perhaps. */
  #return = '';

  push(chunk: Buffer): string[] {
    const text = this.#return + this.#decoder.write(chunk);
    this.#return = text.endsWith('\r') ? '\r' : '';
    const [rest = '', ...more] = text.slice(0, text.length - this.#return.length).split(/\r\n|\r|\n/);
    this.#append(rest);
    return more.map((next) => {
      const line = this.#take();
      this.#append(next);
      return line;
    });
  }

  end(): string[] {
    this.#append(this.#decoder.end());
    const isOpen = this.#text !== '' || this.#return !== '';
    this.#return = '';
    return isOpen ? [this.#take()] : [];
  }

  #append(text: string): void {
    if (this.#isFull) return;
    this.#text += text;
    if (this.#text.length <= KEPT_LENGTH) return;
    // Without its last word, of which the half that is kept would not be found by who scrubs.
    const kept = this.#text.slice(0, KEPT_LENGTH);
    this.#text = kept.slice(0, kept.lastIndexOf(' ') + 1) + CUT;
    this.#isFull = true;
  }

  #take(): string {
    const text = this.#text;
    this.#text = '';
    this.#isFull = false;
    return text;
  }
}

const cut = (line: string): string => (line.length > SHOWN_LENGTH ? line.slice(0, SHOWN_LENGTH) + CUT : line);
