/**
 * All that `asu build` is told, judged: from whom, what, where to, and how the same build is gone on with later. Nobody is asked
 * and nothing is written before every word is right.
 */
import path from 'node:path';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import type { Wish } from '../client/follow-build.ts';
import { REQUEST_FLAGS, requestOf } from './build-flags.ts';
import { type FlagValues, UsageError } from './flags.ts';
import { askedServer, SERVER_FLAGS } from './server-flags.ts';
import { readUpstreamKeys } from './upstream-keys.ts';

/** A server may be updated, or a laptop carried home, while an image is built. */
export const PATIENCE_SECONDS = 600;

export const BUILD_FLAGS = {
  ...SERVER_FLAGS,
  ...REQUEST_FLAGS,
  output: { type: 'string' },
  image: { type: 'string' },
  key: { type: 'string', multiple: true },
  resume: { type: 'string' },
  'no-wait': { type: 'boolean' },
  log: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export interface Order {
  readonly serverUrl: string;
  readonly patienceMs: number;
  readonly wish: Wish;
  readonly directory: string;
  readonly image: string | undefined;
  readonly publicKeys: readonly string[];
  readonly isJson: boolean;
  /** Behind `asu build`, but for the hash: what goes on with this build later. */
  readonly resumeWords: readonly string[];
}

/** @throws UsageError naming the flag */
export async function orderOf(values: FlagValues, environment: NodeJS.ProcessEnv): Promise<Order> {
  const { serverUrl, patienceMs } = askedServer(values, environment, PATIENCE_SECONDS);
  const [resume, output, image] = [values.resume, values.output, values.image] as (string | undefined)[];
  const keyFiles = (values.key as readonly string[] | undefined) ?? [];
  if (output === '') throw new UsageError('--output: expected a directory, got nothing');
  return {
    serverUrl,
    patienceMs,
    wish: resume === undefined ? { kind: 'request', request: await requestOf(values) } : resumed(resume, values),
    directory: path.resolve(output ?? '.'),
    image,
    publicKeys: await readUpstreamKeys(keyFiles, '--key'),
    isJson: values.json === true,
    resumeWords: [
      ...['--server', serverUrl],
      ...(output === undefined ? [] : ['--output', output]),
      ...(image === undefined ? [] : ['--image', image]),
      ...keyFiles.flatMap((file) => ['--key', file]),
    ],
  };
}

function resumed(hash: string, values: FlagValues): Wish {
  if (!isSha256Hex(hash)) throw new UsageError(`--resume: expected 64 hex digits, got ${JSON.stringify(hash)}`);
  const foreign = Object.keys(REQUEST_FLAGS).find((flag) => values[flag] !== undefined);
  if (foreign !== undefined)
    throw new UsageError(`--resume goes on with what was asked for before, so it takes no --${foreign}`);
  return { kind: 'hash', hash };
}
