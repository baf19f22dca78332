/**
 * `POST /api/upgrade-check`: what is newer for a system than what it runs? The answer is kept to what this client shows, each word
 * of it fit for a terminal.
 */
import { z } from 'zod';
import { PACKAGE_NAME } from '../../shared/request/grammar.ts';
import { printable } from '../../shared/text/printable.ts';
import { ask } from './ask.ts';
import { BadAnswer } from './faults.ts';
import type { Patience } from './patience.ts';

const words = z
  .string()
  .max(200)
  .transform((text) => printable(text));
const names = z.array(z.string().regex(PACKAGE_NAME, 'expected the name of a package')).max(20_000);

const upgradeSchema = z.object({
  version: words.optional(),
  packages: names.optional(),
  upgrades: z.record(z.string().regex(PACKAGE_NAME), z.tuple([words, words])).optional(),
  dropped: names.optional(),
});

/** `upgrades`: name → new version, installed version. */
export type Upgrade = z.output<typeof upgradeSchema>;

export interface InstalledSystem {
  readonly distro: string;
  readonly version: string;
  readonly target: string;
  readonly revision?: string;
  readonly installed?: Readonly<Record<string, string>>;
}

/** Null: nothing is newer. @throws RequestRefused, NotNow, BadAnswer (faults.ts); the signal's reason */
export async function checkUpgrade(
  serverUrl: string,
  system: InstalledSystem,
  patience: Patience,
  signal: AbortSignal,
): Promise<Upgrade | null> {
  const body = JSON.stringify(system);
  const url = `${serverUrl}/api/upgrade-check`;
  const { status, json } = await patience.persist(() => ask(url, { method: 'POST', body }, signal), signal);
  if (status === 204) return null;
  const result = upgradeSchema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = printable(issue?.path.map(String).join('.') || 'the answer', 100);
  throw new BadAnswer(`the server's answer about upgrades is none: ${place}: ${printable(issue?.message ?? '', 200)}`);
}
