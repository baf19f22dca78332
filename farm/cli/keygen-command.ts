/**
 * `asu keygen`: a SERVER_KEY, and the public key by which others believe what a server with it signs. The secret goes to one place
 * only: where it is written to a file, nobody who looks over a shoulder or through a terminal's history finds it.
 */
import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { serverKeys } from '../../shared/crypto/server-keys.ts';
import type { Command } from './command.ts';
import { parse, UsageError } from './flags.ts';
import { readGivenFile } from './given-file.ts';

const HELP = `Makes the secret of a server, and prints the public key that belongs to it.

  asu keygen                       the secret to stdout, its public key to stderr
  asu keygen --out FILE            the secret to a new file for its owner only, its public key to stdout
  asu keygen --public-from FILE    the public key of a secret that is there already, to stdout

  --help                           this text

The secret is 64 hex digits, SERVER_KEY of the edge: everything that a server signs or seals hangs on it, so keep it, and keep it
secret. The public key is one of usign: routers hold such keys in /etc/opkg/keys, asu build takes it with --key, and the
server gives it out at /keys/usign.pub.

Exits with 0; with 1 where the file cannot be written or is there already (it is never overwritten); with 2 where the words are
wrong.`;

const FLAGS = {
  out: { type: 'string' },
  'public-from': { type: 'string' },
  help: { type: 'boolean' },
} as const;

const MAX_FILE_BYTES = 4 * 1024;

export const keygenCommand: Command = async (args, { terminal: { out, err } }) => {
  const values = parse(args, FLAGS);
  const [file, from] = [values.out as string | undefined, values['public-from'] as string | undefined];
  if (values.help) out.write(`${HELP}\n`);
  else if (file !== undefined && from !== undefined)
    throw new UsageError('--out and --public-from exclude each other: the one makes a secret, the other reads one');
  else if (from !== undefined) out.write(await publicKeyOf(await secretIn(from)));
  else if (file === undefined) {
    const secret = newSecret();
    out.write(`${secret}\n`);
    err.write(await publicKeyOf(secret));
  } else {
    const secret = newSecret();
    const problem = await writeSecret(file, secret);
    if (problem !== null) {
      err.write(`${problem}\n`);
      return 1;
    }
    out.write(await publicKeyOf(secret));
    err.write(`the secret is in ${file}, for its owner only; above is the public key\n`);
  }
  return 0;
};

const newSecret = (): string => randomBytes(32).toString('hex');

const publicKeyOf = async (secret: string): Promise<string> => (await serverKeys(secret)).usign.publicKey;

async function secretIn(file: string): Promise<string> {
  const secret = (await readGivenFile('--public-from', file, MAX_FILE_BYTES)).trim();
  if (isSha256Hex(secret)) return secret;
  throw new UsageError(
    `--public-from: expected 64 hex digits in ${file}, as asu keygen writes them, got something else`,
  );
}

/** Null, or what went wrong. What was begun does not stay. */
async function writeSecret(file: string, secret: string): Promise<string | null> {
  try {
    // "x": a link that leads elsewhere is not followed either.
    await using handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${secret}\n`);
      await handle.sync();
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EEXIST'
      ? `${file} is there already and is not overwritten: a server that loses its secret loses all that hangs on it`
      : `${file} cannot be written (${code})`;
  }
}
