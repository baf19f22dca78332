/**
 * `asu verify`: is this the image that a server published, and who says so? With a provenance and a key that are there already it
 * needs nobody; with a server it also looks whether the log was changed since, and whose word counts no more.
 */
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { printable, printableJson } from '../../shared/text/printable.ts';
import { readHead, readRecord } from '../../shared/trust/log-record.ts';
import { provenanceSchema } from '../../shared/trust/provenance.ts';
import { publicKeyFrom } from '../../shared/trust/public-key-pem.ts';
import { type Evidence, type Verdict, verifyImage } from '../../shared/trust/verify-image.ts';
import { type AskedEdge, askHead, askKey, askProvenance, askRecords, askSha256 } from '../client/ask-provenance.ts';
import { Patience } from '../client/patience.ts';
import { sha256OfFile } from '../sha256-of-file.ts';
import type { Command, CommandContext } from './command.ts';
import { type FlagValues, httpUrl, parseWords, UsageError } from './flags.ts';
import { readGivenFile } from './given-file.ts';
import { toldFault } from './server-faults.ts';
import { shellWords } from './shell-words.ts';

const EXIT_FAILED = 1;
const EXIT_UNKNOWN = 2;
const PATIENCE_MS = 20_000;
const MAX_PROVENANCE_BYTES = 16 * 1024 ** 2;
const MAX_KEY_BYTES = 4 * 1024;
/** An image as the server gives it out. */
const STORE_URL = /^(https?:\/\/[^\s?#@]+?)\/+store\/([0-9a-f]{64})\/([^/?#]+)$/;

const HELP = `Checks an image against what its server and the machines that built it have signed.

  asu verify FILE --provenance FILE --key FILE                    asks nobody
  asu verify FILE --edge URL --build HASH [--key FILE]            asks the server for what is not given
  asu verify https://asu.example/store/HASH/IMAGE [--key FILE]    the same for an image that is still there

  --provenance FILE       what /api/v1/build/HASH/provenance of the server has answered
  --key FILE              the public key of the server, as /keys/edge.pub has it: have it once by a way that you trust. Without
                          it the server is asked, and all that is found is worth what the line to it is worth
  --edge URL              the server: for what is not given, and to look through the log up to its end
  --build HASH            the request_hash of the image's build
  --recipe                also tell how to make the image again at home
  --json                  what was found, as data
  --help                  this text

One line for each check. Exits with
  0  all of them are ok
  ${EXIT_FAILED}  one of them FAILED: do not flash this image
  ${EXIT_UNKNOWN}  it could not be checked: the words are wrong, a file cannot be read, the server does not answer`;

const FLAGS = {
  provenance: { type: 'string' },
  key: { type: 'string' },
  edge: { type: 'string' },
  build: { type: 'string' },
  recipe: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

interface Wish {
  /** A path, or a URL. */
  readonly image: string;
  readonly isUrl: boolean;
  readonly provenanceFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly edgeUrl: string | undefined;
  readonly build: string | undefined;
  /** In the URL. */
  readonly fileName: string | undefined;
}

export const verifyCommand: Command = async (args, context) => {
  const { values, words } = parseWords(args, FLAGS);
  const { out, err } = context.terminal;
  if (values.help) {
    out.write(`${HELP}\n`);
    return 0;
  }
  const wish = wishOf(values, words);
  try {
    const evidence = await gather(wish, context);
    const verdict = await verifyImage(evidence);
    const isOk = verdict.checks.every(({ ok }) => ok);
    if (values.json) out.write(`${printableJson({ ok: isOk, sha256: evidence.imageSha256, ...verdict })}\n`);
    else tell(verdict, { isOk, withRecipe: values.recipe === true }, context);
    return isOk ? 0 : EXIT_FAILED;
  } catch (error) {
    const told = context.signal.aborted ? null : toldFault(error);
    if (told === null) throw error;
    for (const line of told.lines) err.write(`${line}\n`);
    return EXIT_UNKNOWN;
  }
};

function wishOf(values: FlagValues, words: readonly string[]): Wish {
  const [image, ...more] = words;
  if (!image || more.length > 0)
    throw new UsageError(`expected one image, as a file or a URL, got ${words.length === 0 ? 'none' : words.length}`);
  const isUrl = /^https?:\/\//.test(image);
  if (isUrl) httpUrl('the image', image);
  const [, storeOf, hashOf, fileName] = STORE_URL.exec(image) ?? [];
  const [edge, build] = [values.edge as string | undefined, (values.build as string | undefined) ?? hashOf];
  if (build !== undefined && !isSha256Hex(build))
    throw new UsageError(`--build: expected 64 hex digits, got ${JSON.stringify(build)}`);
  const provenanceFile = values.provenance as string | undefined;
  const keyFile = values.key as string | undefined;
  const edgeUrl = edge === undefined ? storeOf : httpUrl('--edge', edge);
  if (edgeUrl === undefined && provenanceFile === undefined)
    throw new UsageError('--provenance: expected a file, or --edge with the server to ask, got neither');
  if (edgeUrl === undefined && keyFile === undefined)
    throw new UsageError(
      "--key: expected a file with the server's public key, or --edge with the server to ask, got neither",
    );
  if (provenanceFile === undefined && build === undefined)
    throw new UsageError('--build: expected the request_hash of the image, to ask the server for its provenance');
  return { image, isUrl, provenanceFile, keyFile, edgeUrl, build, fileName };
}

async function gather(wish: Wish, { terminal: { err }, signal }: CommandContext): Promise<Evidence> {
  const patience = new Patience({
    patienceMs: PATIENCE_MS,
    onWait: ({ reason, waitMs }) => err.write(`${reason}; trying again in ${Math.ceil(waitMs / 1000)} s\n`),
  });
  const edge = wish.edgeUrl === undefined ? null : { edgeUrl: wish.edgeUrl, patience, signal };
  const edgeKey = await keyOf(wish, edge, err);
  const provenance = await provenanceOf(wish, edge);
  const log = edge ? await logOf(edge, provenance, edgeKey) : undefined;
  const imageSha256 = wish.isUrl
    ? await askSha256(wish.image, { patience, signal })
    : await sha256Of(wish.image, signal);
  const asked = { requestHash: wish.build, fileName: wish.fileName };
  return { imageSha256, asked, provenance, edgeKey, ...(log && { log }) };
}

async function keyOf({ keyFile }: Wish, edge: AskedEdge | null, err: NodeJS.WriteStream): Promise<Uint8Array> {
  const text =
    keyFile === undefined && edge ? await askKey(edge) : await readGivenFile('--key', keyFile ?? '', MAX_KEY_BYTES);
  const key = publicKeyFrom(text);
  if (!key)
    throw new UsageError(
      `${keyFile === undefined ? '/keys/edge.pub' : '--key'}: expected a public key as PEM or 64 hex digits, got something else`,
    );
  if (keyFile === undefined)
    err.write('the key is the server’s own word for who it is: with --key this would be worth more\n');
  return key;
}

async function provenanceOf({ provenanceFile, build = '' }: Wish, edge: AskedEdge | null): Promise<unknown> {
  if (provenanceFile === undefined) return edge && (await askProvenance(edge, build));
  const text = await readGivenFile('--provenance', provenanceFile, MAX_PROVENANCE_BYTES);
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--provenance: expected JSON in ${provenanceFile}, got something else`);
  }
}

/** Of numbers that nobody has signed no record is asked for. */
async function logOf(edge: AskedEdge, provenance: unknown, edgeKey: Uint8Array): Promise<NonNullable<Evidence['log']>> {
  const head = await askHead(edge);
  const parsed = provenanceSchema.safeParse(provenance);
  const [last, own] = [
    await readHead(head, edgeKey),
    parsed.success && parsed.data.log ? await readRecord(parsed.data.log.record, edgeKey) : null,
  ];
  if (!last.ok || !own?.ok) return { head, behind: [] };
  return { head, ...(await askRecords(edge, own.place.sequence, last.value.sequence)) };
}

async function sha256Of(file: string, signal: AbortSignal): Promise<string> {
  try {
    return await sha256OfFile(file, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new UsageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

const LONGEST = 'statements'.length;

function tell(
  { checks, recipe }: Verdict,
  { isOk, withRecipe }: { readonly isOk: boolean; readonly withRecipe: boolean },
  { terminal: { out, paint } }: CommandContext,
): void {
  for (const { check, ok, told } of checks) {
    const word = ok ? paint('green', 'ok    ') : paint('red', 'FAILED');
    out.write(`${check.padEnd(LONGEST)}  ${word}  ${printable(told)}\n`);
  }
  if (!isOk) out.write(`\n${paint('red', 'do not flash this image')}\n`);
  else if (withRecipe && recipe) tellRecipe(recipe, out);
}

function tellRecipe(
  { resolvedDependencies, internalParameters, externalParameters: { request } }: NonNullable<Verdict['recipe']>,
  out: NodeJS.WriteStream,
): void {
  const [builder, ...feeds] = resolvedDependencies;
  const lines = [
    `to make it again: fetch ${builder?.uri} (sha256 ${builder?.digest.sha256}), unpack it, and in it run`,
    `  ${shellWords(internalParameters.command.map((word) => printable(word, 200_000)))}`,
    `with SOURCE_DATE_EPOCH ${internalParameters.sourceDateEpoch}, ${request.version} at ${internalParameters.revision}, and the indexes`,
    ...feeds.map(({ name, digest }) => `  ${digest.sha256}  ${name}`),
    ...(request.repositories.length > 0
      ? [`of ${request.repositoriesMode}ed repositories ${request.repositories.join(', ')}`]
      : []),
    ...(request.firstBootScript
      ? ['and files/etc/uci-defaults/99-asu-defaults with the first-boot script, which only who asked for it has']
      : []),
  ];
  out.write(`\n${lines.map((line) => printable(line, 200_000)).join('\n')}\n`);
}
