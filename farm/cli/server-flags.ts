/** The flags of commands that ask a server: which, and for how long. */
import { type FlagValues, httpUrl, UsageError, whole } from './flags.ts';

export const SERVER_FLAGS = { server: { type: 'string' }, patience: { type: 'string' } } as const;

const MAX_PATIENCE_SECONDS = 7 * 24 * 3_600;

export interface AskedServer {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  readonly patienceMs: number;
}

/** @throws UsageError */
export function askedServer(
  values: FlagValues,
  environment: NodeJS.ProcessEnv,
  defaultPatienceSeconds: number,
): AskedServer {
  const server = (values.server as string | undefined) ?? environment.ASU_SERVER;
  if (!server)
    throw new UsageError('--server: expected the URL of a server (or ASU_SERVER), such as https://asu.example');
  const patience = values.patience as string | undefined;
  const seconds =
    patience === undefined ? defaultPatienceSeconds : whole('--patience', patience, 0, MAX_PATIENCE_SECONDS);
  return { serverUrl: httpUrl('--server', server), patienceMs: seconds * 1000 };
}
