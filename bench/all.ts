/** `npm run bench -- --all`: each bench with its defaults, one after the other, and at the end which of them kept its limits. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface NamedBench {
  readonly name: string;
  readonly run: () => Promise<void> | void;
}

/** So that a server that just ended is not measured with the next. */
const REST_MS = 2_000;

/** One that fails does not hold up the others. @throws Error naming those that failed */
export async function benchAll(
  benches: readonly NamedBench[],
  signal: AbortSignal,
  { tell = console.log, restMs = REST_MS } = {},
): Promise<void> {
  const ended: { readonly name: string; readonly seconds: number; readonly failure: string | null }[] = [];
  for (const { name, run } of benches) {
    signal.throwIfAborted();
    tell(`\n=== ${name}`);
    const started = performance.now();
    let failure: string | null = null;
    try {
      await run();
    } catch (error) {
      signal.throwIfAborted();
      failure = error instanceof Error ? error.message : String(error);
    }
    ended.push({ name, seconds: (performance.now() - started) / 1000, failure });
    await sleep(restMs);
  }
  tell('\n=== all');
  for (const { name, seconds, failure } of ended)
    tell(
      `${name.padEnd(14)}${`${seconds.toFixed(0)} s`.padStart(8)}  ${failure === null ? 'kept' : `FAILED: ${failure}`}`,
    );
  const failed = ended.filter(({ failure }) => failure !== null).map(({ name }) => name);
  if (failed.length > 0) throw new Error(`failed: ${failed.join(', ')}`);
}
