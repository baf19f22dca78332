/**
 * `asu check`: is there something newer than what a router runs? Nothing is read of the machine that it is asked on, which need
 * be no router: everything is said by flags, so one machine can ask for many.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { MAX_BODY_BYTES } from '../../shared/request/build-request.ts';
import { WORD } from '../../shared/request/grammar.ts';
import { type Installed, InstalledListError, installedList } from '../../shared/request/installed-list.ts';
import { parseUpgradeCheck } from '../../shared/seed/upgrade-check-fields.ts';
import { printableJson } from '../../shared/text/printable.ts';
import { checkUpgrade, type InstalledSystem, type Upgrade } from '../client/check-upgrade.ts';
import { Patience } from '../client/patience.ts';
import type { Command, CommandContext } from './command.ts';
import { type FlagValues, parse, UsageError } from './flags.ts';
import { readGivenFile } from './given-file.ts';
import { SERVER_STATUSES, toldFault } from './server-faults.ts';
import { askedServer, SERVER_FLAGS } from './server-flags.ts';
import { shellWords } from './shell-words.ts';
import { tableText } from './terminal.ts';

const EXIT_NOTHING_NEWER = 10;
const PATIENCE_SECONDS = 20;
/** As many packages as a request has room for. */
const MAX_FILE_BYTES = 8 * 1024 ** 2;

const HELP = `Asks a server whether there is something newer than what a router runs.

  asu check --server URL --version V --target T/S [--revision R] [--installed FILE] [--profile P] [--json]

  --server URL            the server (or ASU_SERVER)
  --version V             that it runs: 24.10.1, 24.10-SNAPSHOT, SNAPSHOT
  --target T/S            target and subtarget, such as x86/64
  --revision R            of what it runs, such as r28427-6df0e3d02a: snapshots are compared by it
  --installed FILE        the packages that it has; without it only versions are compared. FILE holds what one of
                          opkg list-installed, apk list --installed, apk list --manifest or apk info -v prints, or
                          /usr/lib/opkg/status, or JSON of names and versions
  --profile P             the device: the command that builds its image is shown with it
  --distro NAME           another distribution of the server (default openwrt)
  --patience SECONDS      how long a server that does not answer is waited for (default ${PATIENCE_SECONDS})
  --json                  the answer as data
  --help                  this text

Exits with
  0  there is something newer
${SERVER_STATUSES}
  ${EXIT_NOTHING_NEWER} there is nothing newer`;

const FLAGS = {
  ...SERVER_FLAGS,
  distro: { type: 'string' },
  version: { type: 'string' },
  target: { type: 'string' },
  revision: { type: 'string' },
  installed: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export const checkCommand: Command = async (args, context) => {
  const values = parse(args, FLAGS);
  const { out, err } = context.terminal;
  if (values.help) {
    out.write(`${HELP}\n`);
    return 0;
  }
  const { serverUrl, patienceMs } = askedServer(values, context.environment, PATIENCE_SECONDS);
  const system = await systemOf(values);
  const profile = profileOf(values);
  const patience = new Patience({
    patienceMs,
    onWait: ({ reason, waitMs }) => err.write(`${reason}; trying again in ${Math.ceil(waitMs / 1000)} s\n`),
  });
  try {
    const upgrade = await checkUpgrade(serverUrl, system, patience, context.signal);
    if (values.json) out.write(`${printableJson({ newer: upgrade !== null, ...upgrade })}\n`);
    else if (upgrade === null) out.write(`nothing is newer than ${system.version} for ${system.target}\n`);
    else tell(upgrade, system, { serverUrl, profile }, context);
    return upgrade === null ? EXIT_NOTHING_NEWER : 0;
  } catch (error) {
    const told = context.signal.aborted ? null : toldFault(error);
    if (told === null) throw error;
    for (const line of told.lines) err.write(`${line}\n`);
    return told.status;
  }
};

async function systemOf(values: FlagValues): Promise<InstalledSystem> {
  const text = (flag: keyof typeof FLAGS) => values[flag] as string | undefined;
  for (const flag of ['version', 'target'] as const)
    if (!text(flag)) throw new UsageError(`--${flag}: expected what the router runs, got nothing`);
  const [revision, file] = [text('revision'), text('installed')];
  const system: InstalledSystem = {
    distro: text('distro') ?? 'openwrt',
    version: text('version') ?? '',
    target: text('target') ?? '',
    ...(revision !== undefined && { revision }),
    ...(file !== undefined && {
      installed: installedOf(file, await readGivenFile('--installed', file, MAX_FILE_BYTES)),
    }),
  };
  try {
    parseUpgradeCheck(system);
  } catch (error) {
    if (error instanceof BuildError) throw new UsageError(`--${error.detail}`);
    throw error;
  }
  const bytes = Buffer.byteLength(JSON.stringify(system));
  if (bytes > MAX_BODY_BYTES)
    throw new UsageError(`--installed: expected at most ${MAX_BODY_BYTES} bytes of packages, got ${bytes}`);
  return system;
}

function installedOf(file: string, text: string): Installed {
  try {
    return installedList(text);
  } catch (error) {
    if (!(error instanceof InstalledListError)) throw error;
    const { where, message } = error;
    throw new UsageError(`--installed ${file}${where && `, ${where}`}: ${message}`);
  }
}

function profileOf(values: FlagValues): string | null {
  const profile = values.profile as string | undefined;
  if (profile !== undefined && !WORD.test(profile))
    throw new UsageError(`--profile: expected letters, digits, "_", ".", "," or "-", got ${JSON.stringify(profile)}`);
  return profile ?? null;
}

function tell(
  { version, upgrades = {}, dropped = [] }: Upgrade,
  system: InstalledSystem,
  { serverUrl, profile }: { readonly serverUrl: string; readonly profile: string | null },
  { terminal: { out, paint } }: CommandContext,
): void {
  const rows = Object.entries(upgrades).map(([name, [offered, installed]]) => [name, installed, offered]);
  const offer = version ?? system.version;
  out.write(
    version === undefined
      ? `${system.version} is the newest version, and ${count(rows.length)} newer in it\n`
      : `${paint('green', version)} is there, newer than ${system.version}\n`,
  );
  if (rows.length > 0) out.write(`\n${tableText([['PACKAGE', 'INSTALLED', 'OFFERED'], ...rows])}`);
  if (dropped.length > 0)
    out.write(`\n${paint('yellow', 'dropped')}, for ${offer} has them no more: ${dropped.join(', ')}\n`);
  if (profile === null) return;
  const words = ['--server', serverUrl, '--version', offer, '--target', system.target, '--profile', profile];
  out.write(`\nto have it, with your own packages behind it: asu build ${shellWords(words)}\n`);
}

const count = (packages: number): string => (packages === 1 ? '1 package is' : `${packages} packages are`);
