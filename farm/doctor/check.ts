/**
 * One thing that can be wrong with a machine that is to be a node, and how to see it. A check looks, a judgement (pure, where
 * it takes thought) says what it means, and whatever is a problem comes with what to do about it.
 */
import type { Fence } from '../fence/fence.ts';
import type { Reach } from './reach.ts';

export interface Finding {
  readonly state: 'ok' | 'warning' | 'problem';
  /** One sentence, without a full stop. */
  readonly text: string;
  /** What to do; always there for a problem. */
  readonly fix?: string;
  /** Of Debian, that would help. */
  readonly packages?: readonly string[];
}

/** What is looked at. */
export interface Patient {
  /** Absolute; may not be there. */
  readonly stateDirectory: string;
  readonly edgeUrl: string | null;
  /** Null: the one that the edge names, or OpenWrt's. */
  readonly upstreamUrl: string | null;
  readonly toolDirectories: readonly string[];
  /** A GET, made once however many checks want its answer. */
  readonly reach: Reach;
  /** Tried once however many checks want to know. */
  readonly fence: () => Promise<Fence>;
  readonly signal: AbortSignal;
}

export interface Check {
  /** Stable; `--json` names it. */
  readonly id: string;
  readonly patienceMs: number;
  /** Takes the machine for itself: begun when all others have ended. */
  readonly isHeavy?: true;
  readonly run: (patient: Patient) => Promise<Finding | readonly Finding[]>;
}

export const ok = (text: string): Finding => ({ state: 'ok', text });
export const warning = (text: string, fix?: string): Finding => ({
  state: 'warning',
  text,
  ...(fix === undefined ? {} : { fix }),
});
export const problem = (text: string, fix: string, packages: readonly string[] = []): Finding => ({
  state: 'problem',
  text,
  fix,
  packages,
});
