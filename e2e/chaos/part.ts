/** A process of the world that a fault can befall. What ends although nobody ended it is told, and started again, as its service would. */
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree } from '../evidence/processes.ts';

/** Of one life of it. */
export interface Life {
  readonly pid: number;
  readonly ended: Promise<string>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface Part {
  readonly name: string;
  /** Of the process that lives now; undefined where none does. */
  pid(): number | undefined;
  /** Whether it lives in the way that it should. */
  lives(): boolean;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** To it and to all that it has started. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

const AGAIN_AFTER_MS = 2_000;

/** `begin` returns when it lives. `onDeath` is told how it ended by itself. */
export async function startPart(
  name: string,
  begin: () => Promise<Life>,
  onDeath: (told: string) => void,
): Promise<Part> {
  let life: Life | undefined;
  let isOver = false;
  let beginning: Promise<void> | undefined;
  /** Who starts it while somebody else does, or while it lives, has what he wanted. */
  const start = (): Promise<void> => {
    if (isOver || life !== undefined) return Promise.resolve();
    beginning ??= live().finally(() => {
      beginning = undefined;
    });
    return beginning;
  };
  const live = async () => {
    const mine = await begin();
    life = mine;
    void mine.ended.then(async (how) => {
      if (life !== mine) return;
      life = undefined;
      onDeath(`${name} ended by itself: ${how}`);
      await sleep(AGAIN_AFTER_MS);
      await start().catch((error: Error) => onDeath(`${name} did not come back: ${error.message}`));
    });
  };
  /** From here on its end is nobody's surprise. */
  const take = (): Life | undefined => {
    const taken = life;
    life = undefined;
    return taken;
  };
  await start();
  return {
    name,
    pid: () => life?.pid,
    lives: () => life !== undefined,
    kill: async () => take()?.kill(),
    start,
    signal: (signal) => {
      for (const pid of life === undefined ? [] : processTree(life.pid)) send(pid, signal);
    },
    stop: async () => {
      isOver = true;
      await beginning?.catch(() => undefined);
      await take()?.stop();
    },
  };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended since it was seen.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
