/** What a word behind `asu` stands for. */
import type { Terminal } from './terminal.ts';

export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
}

/** `args`: what stands behind its name. Gives the exit status. @throws UsageError where the words are wrong */
export type Command = (args: readonly string[], context: CommandContext) => Promise<number>;
