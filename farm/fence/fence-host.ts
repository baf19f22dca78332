/**
 * What the fence must know of the machine it stands on: where its tools are, how the system's directories are laid out, what
 * the kernel lets us do. Read once, so that making a command line needs nothing but data.
 */
import { constants } from 'node:fs';
import { access, readFile, readlink } from 'node:fs/promises';
import { execa } from 'execa';
import { findTool } from '../imagebuilder/host-tools.ts';
import { resourceLimits } from './resource-limits.ts';

/** How a file system over a read-only tree can be mounted; null where it cannot. */
export type OverlayWay = 'as root' | 'in a user namespace' | null;

export interface FenceHost {
  readonly tools: Readonly<Record<FenceTool, string>>;
  /** This process's own Node.js. */
  readonly node: string;
  /** `/bin` and its like: where the link leads, or null for a directory. */
  readonly roots: readonly { readonly path: string; readonly link: string | null }[];
  /** Of /etc, nothing but these. */
  readonly etc: readonly string[];
  /** Arguments of prlimit. */
  readonly limits: readonly string[];
  /** Of bubblewrap, since 0.8. */
  readonly canDisableUserNamespaces: boolean;
  readonly overlay: OverlayWay;
}

/** Each with Debian's package that has it. */
const FENCE_TOOLS = {
  bwrap: 'bubblewrap',
  prlimit: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  sh: 'dash',
  perl: 'perl-base',
  du: 'coreutils',
} as const;

export type FenceTool = keyof typeof FENCE_TOOLS;

const ROOTS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** The loader's cache, and the links by which Debian says which awk is awk. */
const ETC = ['/etc/ld.so.cache', '/etc/alternatives'];

/** Without an overlay: whether there can be one is only known when it was tried. */
export async function readFenceHost(): Promise<
  { readonly host: FenceHost } | { readonly missing: readonly { readonly tool: FenceTool; readonly package: string }[] }
> {
  const names = Object.keys(FENCE_TOOLS) as FenceTool[];
  const found = await Promise.all(names.map(async (name) => [name, await findTool(name)] as const));
  const missing = found.filter(([, file]) => file === null).map(([tool]) => ({ tool, package: FENCE_TOOLS[tool] }));
  if (missing.length > 0) return { missing };
  const tools = Object.fromEntries(found) as Record<FenceTool, string>;
  const help = await execa(tools.bwrap, ['--help'], { reject: false, timeout: 10_000, env: { LC_ALL: 'C' } });
  return {
    host: {
      tools,
      node: process.execPath,
      roots: (await Promise.all(ROOTS.map(rootAt))).flat(),
      etc: (await Promise.all(ETC.map(async (path) => ((await isThere(path)) ? [path] : [])))).flat(),
      limits: await ownResourceLimits(),
      canDisableUserNamespaces: `${help.stdout}`.includes('--disable-userns'),
      overlay: null,
    },
  };
}

async function rootAt(path: string): Promise<{ path: string; link: string | null }[]> {
  if (!(await isThere(path))) return [];
  return [{ path, link: await readlink(path).catch(() => null) }];
}

const isThere = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  );

/** For a process of ours, as arguments of prlimit. */
export const ownResourceLimits = async (): Promise<string[]> =>
  resourceLimits(await readFile('/proc/self/limits', 'utf8'));
