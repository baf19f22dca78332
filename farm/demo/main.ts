/**
 * The demo distribution by hand. `npm run demo` does all of this by itself; this is for looking at it, and for playing
 * upstream while something else is running.
 */
import { parseArgs } from 'node:util';
import { moveSnapshot, updatePackage } from './change-mirror.ts';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { serveMirror } from './mirror-server.ts';
import { readState } from './mirror-state.ts';

const help = `The demo distribution: a small mirror in the layout of downloads.openwrt.org whose ImageBuilders really build.

  node farm/demo/main.ts generate DIR [--delay SECONDS] [--compression gz|xz|zst] [--repository-url URL]
                                   [--irreproducible]
  node farm/demo/main.ts serve DIR [--port N]
  node farm/demo/main.ts move-snapshot DIR
  node farm/demo/main.ts update-package DIR --version V --package NAME [--arch ARCH]
`;

/** Wrong words on the command line: told in one sentence, without a stack. */
class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      port: { type: 'string' },
      delay: { type: 'string' },
      compression: { type: 'string' },
      irreproducible: { type: 'boolean' },
      'repository-url': { type: 'string' },
      version: { type: 'string' },
      package: { type: 'string' },
      arch: { type: 'string' },
    },
  });
  const [verb, directory] = positionals;
  if (values.help || verb === undefined) return void process.stdout.write(help);
  if (directory === undefined) throw new UsageError(`expected a directory after "${verb}", got nothing`);
  switch (verb) {
    case 'generate': {
      const { compression = 'gz' } = values;
      if (compression !== 'gz' && compression !== 'xz' && compression !== 'zst')
        throw new UsageError(`expected --compression gz, xz or zst, got ${compression}`);
      return tell(
        await generateMirror({
          directory,
          compression,
          irreproducible: values.irreproducible ?? false,
          delaySeconds: number('--delay', values.delay) ?? 0,
          ...(values['repository-url'] === undefined ? {} : { repositoryUrl: values['repository-url'] }),
        }),
      );
    }
    case 'serve': {
      const port = number('--port', values.port);
      await readState(directory); // says so when there is none
      const server = await serveMirror(directory, port === undefined ? {} : { port });
      console.log(`${directory} is served at ${server.url} until you press Ctrl-C`);
      const stop = () => void server.close();
      process.once('SIGINT', stop).once('SIGTERM', stop);
      return;
    }
    case 'move-snapshot':
      return tell(await moveSnapshot(directory));
    case 'update-package': {
      const { version, package: name, arch } = values;
      if (version === undefined || name === undefined) throw new UsageError('expected --version V and --package NAME');
      return tell(await updatePackage(directory, { version, package: name, ...(arch === undefined ? {} : { arch }) }));
    }
    default:
      throw new UsageError(`expected generate, serve, move-snapshot or update-package, got "${verb}"`);
  }
}

function tell(mirror: DemoMirror): void {
  console.log(`Demo mirror in ${mirror.directory}, signed by key ${mirror.keyId} (public, protects nothing).`);
  for (const release of mirror.releases)
    for (const { target, profiles } of release.targets)
      console.log(`  ${release.version} ${release.revision} ${release.era} ${target}: ${profiles.join(', ')}`);
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`expected a whole number after ${flag}, got ${text}`);
  return Number(text);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  console.error(isUsage ? `${(error as Error).message}\n\n${help}` : error instanceof Error ? error.message : error);
  process.exitCode = isUsage ? 2 : 1;
}
