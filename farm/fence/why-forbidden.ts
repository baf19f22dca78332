/**
 * Which switch of the kernel keeps an ordinary user from making a fence. bubblewrap says "Permission denied" for all of them,
 * and nobody can tell from that what to do.
 */
import { readFile } from 'node:fs/promises';

interface Switch {
  readonly name: string;
  /** The value that forbids. */
  readonly forbids: string;
  readonly allows: string;
  readonly whose: string;
}

const SWITCHES: readonly Switch[] = [
  { name: 'user.max_user_namespaces', forbids: '0', allows: '10000', whose: 'the kernel' },
  { name: 'kernel.unprivileged_userns_clone', forbids: '0', allows: '1', whose: 'Debian' },
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: '1', allows: '0', whose: 'AppArmor' },
];

type ReadSwitch = (name: string) => Promise<string | null>;

/** Null when none of them does: the reason is another one. */
export async function whyForbidden(read: ReadSwitch = readSysctl): Promise<string | null> {
  for (const { name, forbids, allows, whose } of SWITCHES)
    if ((await read(name)) === forbids)
      return `user namespaces are forbidden by ${whose} (${name} is ${forbids}; sysctl -w ${name}=${allows} allows them)`;
  return null;
}

/** Not every kernel has every one. */
const readSysctl: ReadSwitch = async (name) => {
  const text = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => null);
  return text === null ? null : text.trim();
};
