/**
 * What an ImageBuilder needs of the machine it runs on (OpenWrt, include/prereq-build.mk, its IB=1 part), and what we need
 * to unpack and to fence it. Asked by `npm start` and `asu doctor`: the ImageBuilder itself would say so only in the middle
 * of somebody's build.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

export interface MissingTool {
  readonly tool: string;
  /** Debian's package that has it. */
  readonly package: string;
}

/** `openwrt` is what real ImageBuilders need, `demo` what the built-in one does. */
export type ToolNeed = 'demo' | 'openwrt';

interface Tool extends MissingTool {
  readonly need: ToolNeed;
  /** Where a file of that name is not proof enough: a command that must succeed. */
  readonly check?: readonly string[];
}

/** Where builds look for tools; the node's own Node.js comes last, see build-environment.ts. */
export const TOOL_DIRECTORIES = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
] as const;

const MODULES = ['Data::Dumper', 'FindBin', 'File::Copy', 'File::Compare', 'Thread::Queue'];

const TOOLS: readonly Tool[] = [
  // The fence's own.
  { need: 'openwrt', tool: 'bwrap', package: 'bubblewrap' },
  { need: 'openwrt', tool: 'prlimit', package: 'util-linux' },
  { need: 'openwrt', tool: 'unshare', package: 'util-linux' },
  { need: 'openwrt', tool: 'mount', package: 'mount' },
  { need: 'demo', tool: 'make', package: 'make' },
  { need: 'demo', tool: 'bash', package: 'bash' },
  { need: 'demo', tool: 'cp', package: 'coreutils' },
  { need: 'demo', tool: 'mkfifo', package: 'coreutils' },
  { need: 'demo', tool: 'tar', package: 'tar' },
  { need: 'demo', tool: 'gzip', package: 'gzip' },
  { need: 'demo', tool: 'find', package: 'findutils' },
  { need: 'demo', tool: 'grep', package: 'grep' },
  { need: 'demo', tool: 'sed', package: 'sed' },
  { need: 'demo', tool: 'awk', package: 'mawk' },
  { need: 'openwrt', tool: 'zstd', package: 'zstd' },
  { need: 'openwrt', tool: 'xz', package: 'xz-utils' },
  { need: 'openwrt', tool: 'diff', package: 'diffutils' },
  { need: 'openwrt', tool: 'patch', package: 'patch' },
  { need: 'openwrt', tool: 'gawk', package: 'gawk' },
  { need: 'openwrt', tool: 'getopt', package: 'util-linux' },
  { need: 'openwrt', tool: 'bzip2', package: 'bzip2' },
  { need: 'openwrt', tool: 'unzip', package: 'unzip' },
  { need: 'openwrt', tool: 'wget', package: 'wget' },
  { need: 'openwrt', tool: 'install', package: 'coreutils' },
  { need: 'openwrt', tool: 'file', package: 'file' },
  { need: 'openwrt', tool: 'which', package: 'debianutils' },
  { need: 'openwrt', tool: 'rsync', package: 'rsync' },
  { need: 'openwrt', tool: 'perl', package: 'perl', check: ['perl', ...MODULES.map((name) => `-M${name}`), '-e', '1'] },
  { need: 'openwrt', tool: 'python3', package: 'python3' },
  // ImageBuilders up to 24.10 import distutils, which Python 3.12 no longer has; setuptools brings it back.
  {
    need: 'openwrt',
    tool: 'python3 distutils',
    package: 'python3-setuptools',
    check: ['python3', '-c', 'try:\n import distutils\nexcept ImportError:\n import setuptools, distutils'],
  },
];

export interface HostTool extends MissingTool {
  readonly isPresent: boolean;
}

/** Each tool that is needed, in the table's order. */
export async function hostTools(
  need: ToolNeed,
  directories: readonly string[] = TOOL_DIRECTORIES,
): Promise<readonly HostTool[]> {
  const wanted = TOOLS.filter((tool) => need === 'openwrt' || tool.need === 'demo');
  return await Promise.all(
    wanted.map(async (tool) => ({
      tool: tool.tool,
      package: tool.package,
      isPresent: await isPresent(tool, directories),
    })),
  );
}

/** Empty when everything is there. */
export async function missingHostTools(need: ToolNeed): Promise<readonly MissingTool[]> {
  const tools = await hostTools(need);
  return tools.filter((tool) => !tool.isPresent).map(({ tool, package: debian }) => ({ tool, package: debian }));
}

/** The one command that installs all of them on Debian; null where nothing is missing. */
export function installCommand(packages: readonly string[]): string | null {
  const unique = [...new Set(packages)].sort();
  return unique.length === 0 ? null : `apt-get install -y ${unique.join(' ')}`;
}

/** The path of a tool where builds look for it; null when it is not there. */
export async function findTool(
  name: string,
  directories: readonly string[] = TOOL_DIRECTORIES,
): Promise<string | null> {
  for (const directory of directories) {
    const file = path.join(directory, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return null;
}

const CHECK_PATIENCE_MS = 20_000;

async function isPresent({ tool, check }: Tool, directories: readonly string[]): Promise<boolean> {
  const [name = tool, ...args] = check ?? [tool];
  const file = await findTool(name, directories);
  if (file === null || check === undefined) return file !== null;
  const result = await execa(file, args, { reject: false, stdio: 'ignore', timeout: CHECK_PATIENCE_MS });
  return result.exitCode === 0;
}
