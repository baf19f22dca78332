/**
 * Does a call come from this very machine? Only then may it stop a build. The socket's address decides; a header can only
 * take the right away: a browser's `Origin` means that a page of a stranger may be calling, a proxy's that anybody may.
 */
import { isLoopback, type ListenAddress } from '../cli/listen-address.ts';

const FOR_SOMEBODY_ELSE = ['origin', 'forwarded', 'via', 'x-forwarded-for', 'x-real-ip'] as const;

export const isLocalCaller = (
  listening: ListenAddress,
  peer: string | undefined,
  headers: Readonly<Record<string, unknown>>,
): boolean =>
  isLoopback(listening) &&
  isLoopback({ host: (peer ?? '').replace(/^::ffff:/, ''), port: 0 }) &&
  FOR_SOMEBODY_ELSE.every((name) => headers[name] === undefined);
