/**
 * The command line by which a build's command runs in the fence: which parts of the machine it sees, and nothing else. Only
 * words are made here; docs/sandbox.md says why each is there.
 *
 * One process turns into the next, so that its number is that of the whole: prlimit, unshare where an overlay is wanted, a
 * shell that mounts it, bubblewrap. The mount lives in a namespace of its own and dies with the last process in it.
 */
import path from 'node:path';
import type { FenceHost } from './fence-host.ts';
import { CHANNEL, CHANNEL_VARIABLES, listening } from './inner-listener.ts';

export interface Enclosure {
  /** Seen inside as /builder: tree, bin, home, tmp, files, and nothing else of it. */
  readonly workspace: string;
  /**
   * The read-only tree over which `<workspace>/tree` is mounted, what is written going to `<workspace>/upper` with
   * `<workspace>/work` beside it (both must exist, empty at first). Null: `<workspace>/tree` is a copy.
   */
  readonly lower: string | null;
  /** Another read-only tree, laid over the lower one: a directory that is in both holds the files of both. */
  readonly over?: string | undefined;
  /** Whether something of the node's listens inside, at http://127.0.0.1:8000; see inner-listener.ts. */
  readonly hasListener: boolean;
}

export interface InnerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface FencedCommand {
  readonly file: string;
  readonly args: string[];
  readonly environment: Record<string, string>;
}

export const INSIDE = '/builder';

const NODE = '/opt/node/bin/node';
/** Inside; whoever the node is outside. */
const USER_ID = '1000';

/** As make needs it, and none of the bytes by which an overlay's options are taken apart. */
const SAFE_PATH = /^\/[A-Za-z0-9/_.-]*$/;
/** A loader's variable would reach the tools outside too. */
const SAFE_VARIABLE = /^(?!LD_)[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Its words come as arguments, never as text. Descriptor 3 is a socket to the node (sandbox.ts): the background part reads
 * from it, and when it ends, because the node was killed, takes everything down. `--die-with-parent` alone would miss a node
 * that dies while the sandbox is being made: then bubblewrap's first process may be gone already, and the second, which is in a
 * session of its own, does not know yet that it should die too. So bubblewrap is halted first, where it is still there, that no
 * new child can appear behind the look that follows; and who has this tree in its command line is ended, whosever child it is.
 * What an earlier command of the workspace left beside its overlay goes: a volatile one is not mounted where another was.
 */
const SCRIPT = `
(
  while read -r _; do :; done
  read -r _ _ _ parent _ </proc/self/stat
  if [ "$parent" = "$$" ]; then kill -STOP "$$"; fi
  for line in $(grep -lsF -e "$3" /proc/[0-9]*/cmdline); do
    process=\${line%/cmdline}
    read -r name <"$process/comm" || continue
    if [ "$name" = bwrap ]; then kill -KILL "\${process#/proc/}"; fi
  done
  kill -KILL 0
) <&3 >/dev/null 2>&1 ${CHANNEL}>&- 8>&- 9>&- &
echo 1000 2>/dev/null >/proc/self/oom_score_adj || :
mount=$1 options=$2 tree=$3 work=$4
shift 4
if [ -n "$options" ]; then
  if [ -e "$work/work" ]; then rm -rf "$work/work" 3<&- || exit 125; fi
  "$mount" -n -t overlay -o "$options" overlay "$tree" 3<&- || exit 125
fi
unset PWD OLDPWD SHLVL ${CHANNEL_VARIABLES.join(' ')}
exec "$@" 4<<PASSWD 5<<GROUP
builder:x:${USER_ID}:${USER_ID}::${INSIDE}/home:/bin/sh
PASSWD
builder:x:${USER_ID}:
GROUP
`;

/** `/state/work/x/bin` → `/builder/bin`; the workspace itself and what is not below it have no place inside. */
export function insideOf(workspace: string, file: string): string {
  const below = path.relative(workspace, file);
  if (below === '' || below === '..' || below.startsWith('../') || path.isAbsolute(below))
    throw new Error(`expected a path below the workspace, got ${JSON.stringify(file)}`);
  return path.join(INSIDE, below);
}

/**
 * To be run by runProcess as a `sandbox`, from any directory; the command starts in /builder/tree. Its arguments are passed
 * as they are: paths in them are the caller's to map (`insideOf`). The environment is mapped here.
 * @throws Error for a path or variable that must not be in a command line
 */
export function fencedCommand(enclosure: Enclosure, command: InnerCommand, host: FenceHost): FencedCommand {
  const { workspace, lower, over, hasListener } = enclosure;
  for (const file of [workspace, lower, over])
    if (file != null && !SAFE_PATH.test(file))
      throw new Error(
        `expected an absolute path of letters, digits, "/", "_", "." and "-", got ${JSON.stringify(file)}`,
      );
  if (lower !== null && host.overlay === null) throw new Error('expected a copy of the tree: this host has no overlay');
  const tree = path.join(workspace, 'tree');
  const asRoot = host.overlay === 'as root';
  const work = path.join(workspace, 'work');
  const options = [
    `lowerdir=${over === undefined ? '' : `${over}:`}${lower}`,
    `upperdir=${path.join(workspace, 'upper')}`,
    `workdir=${work}`,
    // Else the kernel writes out the whole file system at the end of each command. After a power cut no build goes on.
    'volatile',
    // In a user namespace the overlay may not keep its notes where only root may write.
    ...(asRoot ? [] : ['userxattr']),
  ];
  const unshare = [host.tools.unshare, ...(asRoot ? [] : ['--user', '--map-root-user']), '--mount', '--'];
  return {
    file: host.tools.prlimit,
    args: [
      ...host.limits,
      '--',
      ...(lower === null ? [] : unshare),
      ...[host.tools.sh, '-c', SCRIPT, 'fence'],
      ...[host.tools.mount, lower === null ? '' : options.join(','), tree, work],
      ...[host.tools.bwrap, ...namespaces(host), ...system(host), ...parts(enclosure)],
      // What was made on the way: without room for a file that nobody counts.
      ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', path.join(INSIDE, 'tree')],
      ...['--', ...(hasListener ? listening(host.tools.perl) : []), command.file, ...command.args],
    ],
    environment: insideEnvironment(workspace, command.environment, host),
  };
}

const namespaces = (host: FenceHost): string[] => [
  ...['--unshare-all', '--unshare-user', ...(host.canDisableUserNamespaces ? ['--disable-userns'] : [])],
  // bubblewrap leaves root's capabilities to whom root starts, unless told.
  ...['--uid', USER_ID, '--gid', USER_ID, '--cap-drop', 'ALL', '--hostname', 'builder'],
  ...['--die-with-parent', '--new-session', '--json-status-fd', '3'],
];

const system = ({ roots, etc, node }: FenceHost): string[] => [
  ...['--ro-bind', '/usr', '/usr'],
  ...roots.flatMap(({ path: root, link }) => (link === null ? ['--ro-bind', root, root] : ['--symlink', link, root])),
  ...etc.flatMap((file) => ['--ro-bind', file, file]),
  ...['--ro-bind-data', '4', '/etc/passwd', '--ro-bind-data', '5', '/etc/group'],
  // Where the node is root, so is the sandbox to the kernel, without capabilities; /proc/sys asks for the user alone.
  ...['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev'],
  ...['--ro-bind', node, NODE],
  // Set by a shell that is bash.
  ...['--unsetenv', '_'],
];

function parts({ workspace }: Enclosure): string[] {
  const tmp = path.join(workspace, 'tmp');
  return [
    ...['tree', 'bin', 'home', 'tmp'].flatMap((part) => [
      '--bind',
      path.join(workspace, part),
      path.join(INSIDE, part),
    ]),
    ...['--ro-bind-try', path.join(workspace, 'files'), path.join(INSIDE, 'files')],
    // On the disk, where it is counted; as a memory file system each would be a hole of half the machine's memory.
    ...['--bind', tmp, '/tmp', '--bind', tmp, '/var/tmp', '--bind', tmp, '/dev/shm'],
  ];
}

/**
 * Handed down and not as arguments, which every user of the machine can read; the sandbox's first process shows it inside as
 * well, so nothing of it may be the node's.
 */
function insideEnvironment(workspace: string, environment: InnerCommand['environment'], host: FenceHost) {
  const inside: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!SAFE_VARIABLE.test(name)) throw new Error(`expected a variable for a build, got ${JSON.stringify(name)}`);
    inside[name] = value.startsWith(`${workspace}/`) ? insideOf(workspace, value) : value;
  }
  const search = (inside.PATH ?? '').split(':').filter((directory) => isSystem(directory, host));
  return { ...inside, PATH: [...search, path.dirname(NODE)].join(':') };
}

const isSystem = (directory: string, { roots }: FenceHost): boolean =>
  ['/usr', ...roots.map((root) => root.path)].some((root) => directory === root || directory.startsWith(`${root}/`));
