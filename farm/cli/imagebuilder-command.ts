/**
 * `asu imagebuilder`: the ImageBuilders on a node's disk, looked at and tended by hand. Whatever changes them takes the
 * state directory's lock, so it is refused while a node runs there: what the node uses is known to the node alone.
 */
import { totalmem } from 'node:os';
import path from 'node:path';
import { BuildError } from '../../shared/build/build-error.ts';
import { EDGE_SETTINGS } from '../../shared/edge-settings.ts';
import { tellBytes } from '../../shared/text/byte-size.ts';
import { printable } from '../../shared/text/printable.ts';
import { warmInWorkspace } from '../build/warm-in-workspace.ts';
import { holderOf, lockState, StateInUse } from '../disk/state-lock.ts';
import { StateUnusable, takeState } from '../disk/take-state.ts';
import { defaultBounds } from '../fence/bounds.ts';
import { probeFence } from '../fence/fence.ts';
import { DownloadShelf } from '../imagebuilder/download-shelf.ts';
import { ImageBuilderShelf, type ShelvedImageBuilder } from '../imagebuilder/imagebuilder-shelf.ts';
import { ImageBuilderSupply } from '../imagebuilder/imagebuilder-supply.ts';
import { targetDirectory } from '../imagebuilder/upstream-place.ts';
import { LiveLine } from '../stack/live-line.ts';
import type { Command, CommandContext } from './command.ts';
import { byteSize, type FlagValues, httpUrl, parseWords, stateDirectory, UsageError, whole } from './flags.ts';
import { chosen, type PruneRule, shortName, superfluous } from './imagebuilder-choice.ts';
import { redirectHosts } from './redirect-hosts.ts';
import { tableText } from './terminal.ts';
import { lineKey, TransferProgress } from './transfer-progress.ts';
import { readUpstreamKeys } from './upstream-keys.ts';

const HELP = `The ImageBuilders on a node's disk. A node fetches and removes them by itself; this is for doing so by hand.

  asu imagebuilder list [--json]
  asu imagebuilder fetch VERSION TARGET [--upstream URL] [--upstream-keys FILE] [--allow-unsigned] [--mirror-redirects-to HOST]
  asu imagebuilder remove SHA256-PREFIX | VERSION TARGET
  asu imagebuilder prune --keep-days N | --to SIZE [--dry-run]

  --state DIR             where the node keeps its things (or ASU_NODE_STATE; default .asu/node)
  --upstream URL          the mirror to fetch from (default ${EDGE_SETTINGS.UPSTREAM_URL.fallback})
  --upstream-keys FILE    further usign public keys that may have signed it; may be repeated (or ASU_NODE_UPSTREAM_KEYS)
  --allow-unsigned        take one without a signature
  --mirror-redirects-to HOST  to which host inside your network a mirror inside it may redirect, as HOST or HOST:PORT;
                          may be repeated (or ASU_NODE_MIRROR_REDIRECTS_TO)
  --keep-days N           remove what no build used for so many days
  --to SIZE               remove the least recently used until the rest takes no more than this (500M, 40G)
  --dry-run               only say what would be removed
  --json                  the list as data
  --help                  this text

fetch, remove and prune are refused while a node runs on the same state directory. A fetch that was stopped goes on where it
was when it is asked for again.`;

const FLAGS = {
  state: { type: 'string' },
  upstream: { type: 'string' },
  'upstream-keys': { type: 'string', multiple: true },
  'allow-unsigned': { type: 'boolean' },
  'mirror-redirects-to': { type: 'string', multiple: true },
  'keep-days': { type: 'string' },
  to: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Flag = keyof typeof FLAGS;

interface Call {
  readonly words: readonly string[];
  readonly values: FlagValues;
  readonly context: CommandContext;
  readonly state: string;
  readonly shelf: ImageBuilderShelf;
  readonly say: (line: string) => void;
}

interface Verb {
  /** Beside --state and --help. */
  readonly flags: readonly Flag[];
  readonly run: (call: Call) => Promise<void>;
}

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['list', { flags: ['json'], run: list }],
  ['fetch', { flags: ['upstream', 'upstream-keys', 'allow-unsigned', 'mirror-redirects-to'], run: fetchOne }],
  ['remove', { flags: [], run: remove }],
  ['prune', { flags: ['keep-days', 'to', 'dry-run'], run: prune }],
]);

export const imageBuilderCommand: Command = async (args, context) => {
  const { values, words } = parseWords(args, FLAGS);
  const say = (line: string) => context.terminal.out.write(`${line}\n`);
  const [name, ...rest] = words;
  if (values.help || (name === undefined && args.length === 0)) {
    say(HELP);
    return 0;
  }
  const verb = VERBS.get(name ?? '');
  if (verb === undefined)
    throw new UsageError(
      `expected list, fetch, remove or prune, got ${JSON.stringify(name ?? '')}; --help says what they do`,
    );
  const foreign = Object.keys(values).find((flag) => flag !== 'state' && !verb.flags.includes(flag as Flag));
  if (foreign !== undefined) throw new UsageError(`${name} takes no --${foreign}; --help says what it takes`);
  const state = stateDirectory(
    '--state',
    (values.state as string | undefined) ?? context.environment.ASU_NODE_STATE ?? '.asu/node',
  );
  try {
    await verb.run({ words: rest, values, context, state, shelf: new ImageBuilderShelf(state), say });
    return 0;
  } catch (error) {
    const sentence = sentenceOf(error, state);
    if (sentence === null || context.signal.aborted) throw error;
    context.terminal.err.write(`${sentence}\n`);
    return 1;
  }
};

async function list({ words, values, state, shelf, say, context }: Call): Promise<void> {
  if (words.length > 0) throw new UsageError(`list takes no words, got ${JSON.stringify(words[0])}`);
  const shelved = await shelf.list();
  // What a node uses is known to that node alone.
  const mayBeInUse = holderOf(state) !== null;
  if (values.json)
    return say(
      JSON.stringify(
        shelved.map((one) => listed(one, mayBeInUse)),
        null,
        2,
      ),
    );
  if (shelved.length === 0) return say(`there is no ImageBuilder in ${state}`);
  context.terminal.out.write(
    tableText([
      ['SHA256', 'VERSION', 'TARGET', 'SIZE', 'SIGNED BY', 'LAST USED', 'IN USE'],
      ...shelved.map((one) => [
        shortName(one),
        printable(one.record?.version ?? '?', 40),
        printable(one.record?.target ?? '?', 40),
        tellBytes(one.bytes),
        one.record?.signedBy ?? '?',
        new Date(one.lastUsedMs).toISOString().slice(0, 16).replace('T', ' '),
        mayBeInUse ? 'maybe' : 'no',
      ]),
    ]),
  );
}

const listed = ({ sha256, bytes, lastUsedMs, record }: ShelvedImageBuilder, mayBeInUse: boolean) => ({
  sha256,
  version: record?.version ?? null,
  target: record?.target ?? null,
  url: record?.url ?? null,
  bytes,
  signedBy: record?.signedBy ?? null,
  lastUsed: new Date(lastUsedMs).toISOString(),
  /** Null: a node runs, and only it knows. */
  inUse: mayBeInUse ? null : false,
});

async function fetchOne({ words, values, context, state, shelf, say }: Call): Promise<void> {
  const [version, target] = words;
  if (version === undefined || target === undefined || words.length > 2)
    throw new UsageError('fetch: expected a version and a target, such as 24.10.2 x86/64');
  const upstreamUrl = httpUrl(
    '--upstream',
    (values.upstream as string | undefined) ?? EDGE_SETTINGS.UPSTREAM_URL.fallback,
  );
  try {
    targetDirectory(upstreamUrl, version, target);
  } catch (error) {
    throw new UsageError(`fetch: ${(error as Error).message}`);
  }
  const files =
    (values['upstream-keys'] as string[] | undefined) ??
    (context.environment.ASU_NODE_UPSTREAM_KEYS ?? '').split(':').filter(Boolean);
  const trust = {
    keys: await readUpstreamKeys(files),
    allowUnsigned: values['allow-unsigned'] === true,
    keysSetting: '--upstream-keys',
    gpgKeyFile: null,
  };
  const mirrorRedirectsTo = redirectHosts(
    '--mirror-redirects-to',
    (values['mirror-redirects-to'] as string[] | undefined)?.join(' ') ??
      context.environment.ASU_NODE_MIRROR_REDIRECTS_TO ??
      '',
  );
  using _ = await takeState(state);
  const downloads = new DownloadShelf(state);
  // Without a budget: it was asked for by hand, and the node keeps its own when it runs.
  const fence = await probeFence(state);
  const bounds = defaultBounds(totalmem());
  const supply = new ImageBuilderSupply({
    shelf,
    downloads,
    trust,
    budget: null,
    mirrorRedirectsTo,
    // An ImageBuilder's own programs run only behind a fence here; without one each build does this by itself.
    warm:
      fence.kind === 'none'
        ? undefined
        : (tree, signal) => warmInWorkspace(tree, { stateDirectory: state, fence, bounds, signal, tell: say }),
  });
  const line = new LiveLine(context.terminal.out);
  const transfer = new TransferProgress();
  const name = `${version} ${target}`;
  using held = await supply.fetch(
    { upstreamUrl, version, target },
    {
      signal: context.signal,
      onProgress: (progress) => {
        if (progress.step === 'unpack') return line.update(`${name}  unpacking`, 'unpack');
        const { bytesDone, bytesTotal } = progress;
        if (bytesDone === 0) return line.update(`${name}  asking ${new URL(upstreamUrl).host}`, 'asking');
        const key = lineKey(bytesDone, bytesTotal);
        line.update(`${name}  ${transfer.text(bytesDone, bytesTotal, performance.now())}`, key);
      },
    },
  );
  line.end(`${name}  ${shortName(held)} is there, signed by ${held.signedBy}`);
  if (held.signedBy === 'unsigned')
    say('Nobody vouches for it: builds with it are as trustworthy as the line it came by.');
}

async function remove({ words, state, shelf, say }: Call): Promise<void> {
  const one = chosen(await shelf.list(), words);
  using _ = lockState(state);
  await shelf.remove(one.sha256);
  say(`removed ${told(one)}`);
}

async function prune({ words, values, state, shelf, say }: Call): Promise<void> {
  if (words.length > 0) throw new UsageError(`prune takes no words, got ${JSON.stringify(words[0])}`);
  const rule = ruleOf(values);
  const isDry = values['dry-run'] === true;
  const shelved = await shelf.list();
  if (shelved.length === 0) return say(`there is no ImageBuilder in ${state}`);
  using _ = isDry ? null : lockState(state);
  const going = superfluous(isDry ? shelved : await shelf.list(), rule, Date.now());
  for (const one of going) {
    if (!isDry) await shelf.remove(one.sha256);
    say(`${isDry ? 'would remove' : 'removed'} ${told(one)}`);
  }
  const freed = tellBytes(going.reduce((sum, { bytes }) => sum + bytes, 0));
  say(`${going.length} of ${shelved.length} ImageBuilders, ${freed}`);
}

function ruleOf(values: FlagValues): PruneRule {
  const [days, to] = [values['keep-days'] as string | undefined, values.to as string | undefined];
  if ((days === undefined) === (to === undefined))
    throw new UsageError('prune: expected either --keep-days N or --to SIZE');
  return to === undefined
    ? { keepDays: whole('--keep-days', days ?? '', 0, 36_500) }
    : { toBytes: byteSize('--to', to, 0, 1024 ** 5) };
}

const told = (one: ShelvedImageBuilder): string =>
  printable(`${shortName(one)} ${one.record?.version ?? '?'} ${one.record?.target ?? '?'} (${tellBytes(one.bytes)})`);

/** What somebody at a terminal reads; null for what nobody expected. */
function sentenceOf(error: unknown, state: string): string | null {
  if (error instanceof StateInUse)
    return `a node is running on ${path.normalize(state)} and may be using any of its ImageBuilders: stop it first (it fetches and removes them by itself)`;
  if (error instanceof StateUnusable) return error.message;
  if (error instanceof BuildError)
    return printable(error.detail.replace(/^Error: /, '').replace(/\. This is not a fault of your request.*$/, ''));
  return null;
}
