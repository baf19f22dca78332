/**
 * A running sandbox, from outside: whether the command ran in it at all, that it keeps its bounds, and that nothing of it is
 * left when it is over. bubblewrap itself ends as soon as the command does; what the command left behind ends a little later, and must
 * not still write while the next step reads.
 */
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bounds, Overrun, Peaks } from './bounds.ts';
import { childrenOf, identityOf, isAlive, type ProcessIdentity } from './process-tree.ts';
import { Watchdog, type Watched } from './watchdog.ts';

export type SandboxEnded =
  | { readonly state: 'exited'; readonly exitCode: number }
  | { readonly state: 'signalled'; readonly signal: string }
  /** The fence did not come up; what bubblewrap says is on stderr. */
  | { readonly state: 'never ran' };

export interface SandboxWatch extends Omit<Watched, 'pid'> {
  readonly bounds: Bounds;
}

/** A sandbox with thousands of processes takes a while to fall; a process that waits for a broken disk never does. */
const FALL_MS = 10_000;
const STATUS_MS = 2000;
/** What bubblewrap writes is shorter; it is the only writer. */
const MAX_STATUS_LENGTH = 64 * 1024;

export class Sandbox {
  readonly #monitor: ProcessIdentity;
  readonly #status: Duplex;
  readonly #statusEnded: Promise<void>;
  readonly #watch: SandboxWatch;
  #text = '';
  #first: ProcessIdentity | null = null;
  #watchdog: Watchdog | null = null;
  #overrun: Overrun | null = null;

  /**
   * `monitor` is the process that fencedCommand's words became, leader of a group of its own; `status` our end of its
   * descriptor 3, which must stay open for as long as the sandbox may live.
   */
  constructor(monitor: number, status: Duplex, watch: SandboxWatch) {
    this.#monitor = identityOf(monitor) ?? { pid: monitor, startTime: '' };
    this.#status = status;
    this.#watch = watch;
    this.#statusEnded = new Promise((resolve) => {
      status.once('close', () => resolve());
      status.once('end', () => resolve());
    });
    status.on('error', () => {});
    status.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  #read(chunk: Buffer): void {
    this.#text = (this.#text + chunk.toString('latin1')).slice(0, MAX_STATUS_LENGTH);
    if (this.#first !== null) return;
    const pid = numberIn(this.#text, 'child-pid');
    this.#first = pid === null ? null : identityOf(pid);
    if (this.#first === null) return;
    const { bounds, ...watch } = this.#watch;
    this.#watchdog = new Watchdog({ pid: this.#first.pid, ...watch }, bounds, (overrun) => {
      this.#overrun = overrun;
      this.kill();
    });
  }

  /** Why it was ended before its time; null when it was not, or by somebody else. */
  get overrun(): Overrun | null {
    return this.#overrun;
  }

  get peaks(): Peaks {
    return this.#watchdog?.peaks ?? { memoryBytes: 0, processes: 0, diskBytes: 0 };
  }

  /** Ends everything, at once: the first process takes with it whatever was started in there, in which way ever. */
  kill(): void {
    // The first process is one of these, also while nobody has told its number yet.
    if (isAlive(this.#monitor)) for (const child of childrenOf(this.#monitor.pid)) signal(child, 'SIGKILL');
    this.#killFirst();
    signal(-this.#monitor.pid, 'SIGKILL');
  }

  #killFirst(): void {
    if (this.#first !== null && isAlive(this.#first)) signal(this.#first.pid, 'SIGKILL');
  }

  /**
   * To be awaited when bubblewrap has ended, in the way given; resolves when nothing of the sandbox is left. How the command
   * itself ended: what bubblewrap tells as a status of 128 and more is the signal that the command died of.
   */
  async ended(bubblewrap: Exclude<SandboxEnded, { state: 'never ran' }>): Promise<SandboxEnded> {
    // The watcher in the group still holds the other end of the status.
    signal(-this.#monitor.pid, 'SIGKILL');
    await Promise.race([this.#statusEnded, sleep(STATUS_MS, undefined, { ref: false })]);
    this.#killFirst();
    for (let waitedMs = 0; waitedMs < FALL_MS && this.#first !== null && isAlive(this.#first); waitedMs += 10)
      await sleep(10);
    this.#status.destroy();
    await this.#watchdog?.stop();
    const exitCode = numberIn(this.#text, 'exit-code');
    if (exitCode !== null) return endedWith(exitCode);
    return bubblewrap.state === 'signalled' ? bubblewrap : { state: 'never ran' };
  }
}

function endedWith(exitCode: number): SandboxEnded {
  const name = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
  return name === undefined ? { state: 'exited', exitCode } : { state: 'signalled', signal: name };
}

/** bubblewrap writes one small JSON object after another, not always as one line each. */
function numberIn(text: string, name: string): number | null {
  const number = new RegExp(`"${name}": (\\d{1,10})[,\\s}]`).exec(text)?.[1];
  return number === undefined ? null : Number(number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ESRCH: gone.
  }
}
