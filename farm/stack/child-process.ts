/**
 * A child of the stack in a process group of its own, so that whatever it started ends with it: wrangler killed alone
 * leaves workerd behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ChildOptions {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** Longer than a node takes to end its builds and say so. */
const STOP_PATIENCE_MS = 25_000;

export class Child {
  /** Code or signal with which it ended. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  #hasEnded = false;

  constructor(options: ChildOptions) {
    const [file, ...args] = options.command;
    this.#process = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      if (stream) createInterface({ input: stream }).on('line', options.onLine);
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.ended.then(() => {
      this.#hasEnded = true;
      // Its children, if the leader died alone.
      this.signalGroup('SIGKILL');
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Asks it to end, and ends the whole group if it does not. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#process.kill('SIGTERM');
    const patience = setTimeout(() => this.signalGroup('SIGKILL'), STOP_PATIENCE_MS);
    await this.ended;
    clearTimeout(patience);
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    this.signalGroup('SIGKILL');
    await this.ended;
  }

  signalGroup(signal: NodeJS.Signals): void {
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
