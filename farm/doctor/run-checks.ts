/**
 * Runs checks side by side and tells what they found in the order of the list, each as soon as those before it are told.
 * Whatever a check does (it throws, it hangs) is a finding; only being stopped ends the run.
 */
import type { Check, Finding, Patient } from './check.ts';
import { problem } from './check.ts';

/** After its time a check gets a moment to tidy up, and to say something better. */
const TIDY_MS = 8_000;

export interface Examined {
  readonly check: string;
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

/** @throws the signal's reason, once nothing that was begun runs any more */
export async function* runChecks(
  checks: readonly Check[],
  patient: Patient,
  tidyMs = TIDY_MS,
): AsyncGenerator<Examined> {
  const light = checks
    .filter((check) => !check.isHeavy)
    .map((check) => [check, examine(check, patient, tidyMs)] as const);
  const begun = new Map(light);
  try {
    for (const check of checks) {
      patient.signal.throwIfAborted();
      if (check.isHeavy) {
        await Promise.all(begun.values());
        patient.signal.throwIfAborted();
      }
      const examined = begun.get(check) ?? examine(check, patient, tidyMs);
      begun.set(check, examined);
      yield await examined;
    }
    patient.signal.throwIfAborted();
  } finally {
    await Promise.all(begun.values());
  }
}

/** Never throws. */
async function examine(check: Check, patient: Patient, tidyMs: number): Promise<Examined> {
  const startedMs = performance.now();
  const limit = AbortSignal.timeout(check.patienceMs);
  const signal = AbortSignal.any([patient.signal, limit]);
  const running = check.run({ ...patient, signal }).catch((error: unknown) => unexpected(error, limit, check));
  const result = await Promise.race([running, overdue(signal, limit, check, tidyMs)]);
  return { check: check.id, seconds: (performance.now() - startedMs) / 1000, findings: [result].flat() };
}

const overdue = (signal: AbortSignal, limit: AbortSignal, check: Check, tidyMs: number): Promise<Finding> =>
  new Promise((resolve) => {
    const give = () => setTimeout(() => resolve(unexpected(signal.reason, limit, check)), tidyMs).unref();
    signal.addEventListener('abort', give, { once: true });
  });

function unexpected(error: unknown, limit: AbortSignal, check: Check): Finding {
  if (limit.aborted)
    return problem(
      `no end within ${Math.round(check.patienceMs / 1000)} s`,
      'see what keeps this machine busy (a disk or a network that hangs), and run it again',
    );
  return problem(
    `it could not be checked: ${error instanceof Error ? error.message : String(error)}`,
    'see what the message says; if it says nothing to you, please report it',
  );
}
