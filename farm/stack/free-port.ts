/**
 * A loopback port that nobody listens on, for a process that wants a number. Not one that the kernel would give: those it
 * also gives to outgoing connections and to whoever asks next, so that ours may be taken before it is used. Below that range
 * only somebody who chooses the very number can come first.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Linux hands out 32768 and above. */
const FIRST = 20_000;
const LAST = 31_999;
const TRIES = 200;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = randomInt(FIRST, LAST + 1);
    if (given.has(port)) continue;
    // Before the wait, or two callers at once would get one number.
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`expected a free port from ${FIRST} to ${LAST}, found none in ${TRIES} tries`);
}

/** Given once by this process: whoever got it may not listen yet. */
const given = new Set<number>();

/** Can the port be listened on? */
export const isFree = async (port: number): Promise<boolean> => (await whyNotFree(port)) === null;

/** The system's code; null where it is free. */
export const whyNotFree = (port: number): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(null)));
  });

/** For whoever chose it, with what to do. */
export const notFreeSentence = (port: number, code: string): string =>
  code === 'EACCES'
    ? `Port ${port} is not for this user (EACCES). Choose one above 1023 with --port N`
    : `Port ${port} is in use. Stop what listens there, or choose another with --port N`;
