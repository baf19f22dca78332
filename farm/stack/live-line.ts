/** Progress for a person: one line that lives on a terminal, plain lines where nobody looks at them change. */
const SHOW_EVERY_MS = 80;

export class LiveLine {
  readonly #stream: NodeJS.WriteStream;
  #last = '';
  #shownAt = 0;
  #shown = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** `key` is what makes a new line where there is no terminal: bytes change all the time, steps do not. */
  update(text: string, key = text): void {
    if (!this.#stream.isTTY) {
      if (key !== this.#last) this.#stream.write(`${text}\n`);
      this.#last = key;
      return;
    }
    const now = Date.now();
    if (key === this.#last && now - this.#shownAt < SHOW_EVERY_MS) return;
    this.#last = key;
    this.#shownAt = now;
    this.#shown = text;
    this.#draw();
  }

  /** A line that stays, above the living one. */
  print(text: string): void {
    this.#stream.write(this.#stream.isTTY && this.#shown !== '' ? `\r\x1b[2K${text}\n` : `${text}\n`);
    if (this.#stream.isTTY) this.#draw();
  }

  #draw(): void {
    // A terminal that does not know its width says 0.
    const width = this.#stream.columns || 80;
    if (this.#shown !== '') this.#stream.write(`\r\x1b[2K${this.#shown.slice(0, width - 1)}`);
  }

  /** Leaves the last state standing (or `text` in its place) and begins a new line. */
  end(text?: string): void {
    if (this.#stream.isTTY) this.#stream.write(text === undefined ? '\n' : `\r\x1b[2K${text}\n`);
    else if (text !== undefined) this.#stream.write(`${text}\n`);
    this.#last = '';
    this.#shown = '';
  }
}
