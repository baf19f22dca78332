/**
 * `asu build`: an image for somebody at a shell or in a script, from the wish to checked files on disk. What a program reads goes
 * to stdout, and what a person reads on the way to stderr.
 */
import { printableJson } from '../../shared/text/printable.ts';
import type { BuiltImage, DoneAnswer } from '../client/build-answer.ts';
import { downloadImage } from '../client/download-image.ts';
import { beginBuild, followBuild, hashOf } from '../client/follow-build.ts';
import { Patience } from '../client/patience.ts';
import { checkSignedSums } from '../client/signed-sums.ts';
import { withPackagesToRemove } from './build-flags.ts';
import { BUILD_FLAGS, type Order, orderOf, PATIENCE_SECONDS } from './build-order.ts';
import { BuildProgress } from './build-progress.ts';
import type { Command, CommandContext } from './command.ts';
import { parse, UsageError } from './flags.ts';
import { chosenImages } from './image-choice.ts';
import { EXIT_REFUSED, SERVER_STATUSES, toldFault } from './server-faults.ts';
import { shellWords } from './shell-words.ts';

const HELP = `Asks a server for an image, waits until it is built, fetches it and checks it.

  asu build --server URL --version V --target T/S --profile P [what the image is to be] [what is done with it]
  asu build --server URL --resume HASH [what is done with it]

What the image is to be:
  --version V             a release (24.10.2), or the snapshot of a branch (24.10-SNAPSHOT, SNAPSHOT)
  --target T/S            target and subtarget, such as x86/64
  --profile P             the device, by the profile's id or any name of it
  --package NAME          a further package, or -NAME to leave one out; may be repeated
  --packages "A B -C"     the same, several at once; may be repeated
  --packages-file FILE    the same from a file: names between blanks or on lines, # begins a comment
  --diff-packages         the packages are the whole list: defaults of the device that are not in it are left out
  --filesystem F          only images with this root file system (squashfs, ext4, …)
  --rootfs-size-mb N      size of the root file system
  --defaults FILE         a script for the first boot. It may hold passwords: it is sent, and shown nowhere
  --repository NAME=URL   a further package feed that the server allows; may be repeated
  --repositories-mode M   append (as it is) or replace: the feeds stand instead of OpenWrt's
  --repository-key FILE   a public key (usign or PEM) that signs such feeds; may be repeated
  --version-code CODE     the revision that upstream must be at (r28427-6df0e3d02a)
  --distro NAME           another distribution of the server (default openwrt)

What is done with it:
  --output DIR            where the files go (default .)
  --image TYPE|all|none   which (default sysupgrade, or all where the device has none of that type)
  --key FILE              the server's public key (its /keys/usign.pub): digests must be signed by it; may be repeated
  --resume HASH           go on with a build that was asked for, by the hash that the server gave it
  --no-wait               only ask for it, and print its hash
  --log                   show what is printed while it is built
  --server URL            the server (or ASU_SERVER)
  --patience SECONDS      how long a server that does not answer is waited for (default ${PATIENCE_SECONDS})
  --json                  what came of it, as data
  --help                  this text

Prints the path of each file, or its URL with --image none. Whatever was interrupted goes on where it was when it is asked for again.

Exits with
  0  the files are there and right (with --no-wait: it is asked for)
${SERVER_STATUSES}`;

interface Run {
  readonly order: Order;
  readonly patience: Patience;
  readonly progress: BuildProgress;
  readonly context: CommandContext;
}

export const buildCommand: Command = async (args, context) => {
  const values = parse(withPackagesToRemove(args), BUILD_FLAGS);
  if (values.help) {
    context.terminal.out.write(`${HELP}\n`);
    return 0;
  }
  const order = await orderOf(values, context.environment);
  const progress = new BuildProgress(context.terminal.err, values.log === true);
  const patience = new Patience({ patienceMs: order.patienceMs, onWait: (waiting) => progress.waiting(waiting) });
  const run = { order, patience, progress, context };
  let hash = order.wish.kind === 'hash' ? order.wish.hash : null;
  try {
    if (values['no-wait']) await onlyAsk(run);
    else
      await fetchImages(run, (given) => {
        hash = given;
      });
    return 0;
  } catch (error) {
    progress.stop();
    const toResume = hash === null ? null : `asu build ${shellWords([...order.resumeWords, '--resume', hash])}`;
    if (context.signal.aborted) {
      progress.say(stoppedText(toResume));
      throw error;
    }
    if (error instanceof UsageError && toResume !== null)
      throw new UsageError(`${error.message}; the build is not lost: ${toResume}`);
    const told = toldFault(error);
    if (told === null) throw error;
    for (const line of told.lines) progress.say(line);
    if (toResume !== null && told.status !== EXIT_REFUSED) progress.say(`to go on: ${toResume}`);
    return told.status;
  } finally {
    progress.stop();
  }
};

const stoppedText = (toResume: string | null): string =>
  toResume === null
    ? 'stopped before the server gave the build a name: ask again in the same words'
    : `stopped; the server builds on. To go on: ${toResume}`;

async function onlyAsk({ order, patience, progress, context }: Run): Promise<void> {
  const answer = await beginBuild(order.serverUrl, order.wish, patience, context.signal);
  const hash = hashOf(answer);
  progress.say(answer.state === 'done' ? 'it is there already' : 'it is asked for');
  print(context, order.isJson ? { request_hash: hash, ...stateOf(answer) } : [hash]);
}

const stateOf = (answer: Awaited<ReturnType<typeof beginBuild>>): object =>
  answer.state === 'done'
    ? { state: 'done' }
    : {
        state: answer.pending.queue_position === undefined ? 'started' : 'queued',
        queue_position: answer.pending.queue_position ?? null,
        eta_seconds: answer.pending.eta_seconds ?? null,
      };

async function fetchImages(run: Run, onHash: (hash: string) => void): Promise<void> {
  const { order, patience, progress, context } = run;
  const done = await followBuild(
    order.serverUrl,
    order.wish,
    patience,
    {
      onHash,
      onPending: (pending) => progress.pending(pending),
      onLog: (lines) => progress.log(lines),
      onRestart: () => progress.restart(),
      onDeaf: () => progress.deaf(),
    },
    context.signal,
  );
  onHash(done.request_hash);
  const packages = Object.keys(done.manifest).length;
  progress.say(
    `built: ${done.version_number} ${done.version_code} for ${done.id} (${done.target}), ${packages} packages, ${done.images.length} images`,
  );
  const wanted = chosenImages(done.images, order.image);
  const signedBy = await vouchedBy(run, done);
  const files: FetchedFile[] = [];
  for (const image of wanted) files.push(await fetchOne(run, done, image));
  if (order.isJson) print(context, resultOf(order, done, signedBy, files));
  else if (order.image === 'none')
    print(
      context,
      done.images.map((image) => urlOf(order, done, image)),
    );
  else
    print(
      context,
      files.map((file) => file.path),
    );
}

/** The id of the key; null where nobody asked. */
async function vouchedBy({ order, patience, progress, context }: Run, done: DoneAnswer): Promise<string | null> {
  if (order.publicKeys.length === 0) {
    progress.say(
      'signature not checked, for there is no --key: digests are worth what the line to the server is worth',
    );
    return null;
  }
  const keyId = await checkSignedSums(order.serverUrl, done, order.publicKeys, patience, context.signal);
  progress.say(`digests are signed by key ${keyId}`);
  return keyId;
}

interface FetchedFile {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly is_new: boolean;
}

async function fetchOne({ order, patience, progress, context }: Run, done: DoneAnswer, image: BuiltImage) {
  const { serverUrl, directory } = order;
  const { path: file, isNew } = await downloadImage({
    serverUrl,
    binDir: done.bin_dir,
    image,
    directory,
    patience,
    onProgress: progress.download(image),
    signal: context.signal,
  });
  const { name, sha256, size } = image;
  progress.say(`${name}  ${isNew ? 'fetched' : 'there already'}, sha256 ${sha256}`);
  return { name, path: file, sha256, size, is_new: isNew };
}

const urlOf = ({ serverUrl }: Order, { bin_dir }: DoneAnswer, { name }: BuiltImage): string =>
  `${serverUrl}/store/${bin_dir}/${encodeURIComponent(name)}`;

const resultOf = (order: Order, done: DoneAnswer, signedBy: string | null, files: readonly FetchedFile[]): object => ({
  server: order.serverUrl,
  request_hash: done.request_hash,
  version_number: done.version_number,
  version_code: done.version_code,
  target: done.target,
  profile: done.id,
  manifest: done.manifest,
  images: done.images.map((image) => ({ ...image, url: urlOf(order, done, image) })),
  signed_by: signedBy,
  files,
});

function print({ terminal: { out } }: CommandContext, result: readonly string[] | object): void {
  if (Array.isArray(result)) for (const line of result) out.write(`${line}\n`);
  else out.write(`${printableJson(result)}\n`);
}
