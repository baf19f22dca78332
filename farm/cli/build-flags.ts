/**
 * What `asu build` is told, as the request that it makes. Judged here by the server's own grammar, so that a wrong word is told
 * with its flag and before anybody is asked. The first-boot script comes by a file: everybody on a machine can read a command line.
 */
import { MAX_BODY_BYTES, parseBuildRequest } from '../../shared/request/build-request.ts';
import { printable } from '../../shared/text/printable.ts';
import { CLIENT_NAME } from '../client/ask.ts';
import type { ImageRequest } from '../client/follow-build.ts';
import { type FlagValues, UsageError, whole } from './flags.ts';
import { readGivenFile } from './given-file.ts';

export const REQUEST_FLAGS = {
  distro: { type: 'string' },
  version: { type: 'string' },
  'version-code': { type: 'string' },
  target: { type: 'string' },
  profile: { type: 'string' },
  package: { type: 'string', multiple: true },
  packages: { type: 'string', multiple: true },
  'packages-file': { type: 'string', multiple: true },
  'diff-packages': { type: 'boolean' },
  filesystem: { type: 'string' },
  'rootfs-size-mb': { type: 'string' },
  defaults: { type: 'string' },
  repository: { type: 'string', multiple: true },
  'repositories-mode': { type: 'string' },
  'repository-key': { type: 'string', multiple: true },
} as const;

/** Where the server's grammar names a field, somebody at a shell knows a flag. */
const FLAG_OF: Readonly<Record<string, string>> = {
  packages: '--package',
  repositories: '--repository',
  repository_keys: '--repository-key',
};

const MAX_KEY_BYTES = 4 * 1024;
const MAX_ROOTFS_MB = 999_999;

/**
 * `--package -ppp` as `--package=-ppp`: whoever leaves a package out writes it like that, and it would be taken for a flag.
 * What begins with two dashes stays one.
 */
export function withPackagesToRemove(args: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const word of args) {
    const flag = joined.at(-1);
    if ((flag === '--package' || flag === '--packages') && /^-[^-]/.test(word))
      joined[joined.length - 1] = `${flag}=${word}`;
    else joined.push(word);
  }
  return joined;
}

/** @throws UsageError naming the flag */
export async function requestOf(values: FlagValues): Promise<ImageRequest> {
  const [version, target, profile] = [required('version'), required('target'), required('profile')];
  const packages = await packagesOf(values);
  const repositories = many(values, 'repository').map(repositoryOf);
  const size = text('rootfs-size-mb');
  const request: ImageRequest = {
    version,
    target,
    profile,
    packages,
    client: CLIENT_NAME,
    ...given('distro', text('distro')),
    ...given('version_code', text('version-code')),
    ...given('filesystem', text('filesystem')),
    ...given('repositories_mode', text('repositories-mode')),
    ...(values['diff-packages'] === true && { diff_packages: true }),
    ...(size !== undefined && { rootfs_size_mb: whole('--rootfs-size-mb', size, 1, MAX_ROOTFS_MB) }),
    ...(repositories.length > 0 && { repositories: Object.fromEntries(repositories) }),
    ...given('repository_keys', await repositoryKeysOf(values)),
    ...given('defaults', await defaultsOf(text('defaults'))),
  };
  judge(request);
  return request;

  function text(flag: keyof typeof REQUEST_FLAGS): string | undefined {
    return values[flag] as string | undefined;
  }
  function required(flag: 'version' | 'target' | 'profile'): string {
    const value = text(flag);
    if (value) return value;
    throw new UsageError(`--${flag}: expected one, such as ${EXAMPLES[flag]}, got nothing`);
  }
}

const EXAMPLES = { version: '24.10.2', target: 'x86/64', profile: 'generic' } as const;

const given = (field: string, value: unknown): object => (value === undefined ? {} : { [field]: value });

const many = (values: FlagValues, flag: keyof typeof REQUEST_FLAGS): readonly string[] =>
  (values[flag] as readonly string[] | undefined) ?? [];

async function packagesOf(values: FlagValues): Promise<readonly string[]> {
  const files = await Promise.all(
    many(values, 'packages-file').map((file) => readGivenFile('--packages-file', file, MAX_BODY_BYTES)),
  );
  const fromFiles = files.flatMap((text) => text.split('\n').map((line) => line.replace(/#.*$/, '')));
  return [...many(values, 'package'), ...[...many(values, 'packages'), ...fromFiles].flatMap(words)];
}

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

function repositoryOf(word: string): [name: string, url: string] {
  const at = word.indexOf('=');
  if (at < 1) throw new UsageError(`--repository: expected NAME=URL, got ${JSON.stringify(word)}`);
  return [word.slice(0, at), word.slice(at + 1)];
}

async function repositoryKeysOf(values: FlagValues): Promise<readonly string[] | undefined> {
  const files = many(values, 'repository-key');
  if (files.length === 0) return undefined;
  return await Promise.all(files.map((file) => readGivenFile('--repository-key', file, MAX_KEY_BYTES)));
}

async function defaultsOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const script = await readGivenFile('--defaults', file, MAX_BODY_BYTES);
  if (script === '') throw new UsageError(`--defaults: expected a script in ${file}, got nothing`);
  return script;
}

function judge(request: ImageRequest): void {
  const parsed = parseBuildRequest(request);
  if (!parsed.ok) {
    const { path = '', message = '' } = parsed.errors[0] ?? {};
    const [field = '', key = ''] = path.split(/\.(.*)/s);
    // Of a script nothing is ever shown.
    const wrong = field === 'defaults' ? '' : valueAt(request[field], key);
    throw new UsageError(`${FLAG_OF[field] ?? `--${field.replaceAll('_', '-')}`}: ${message}${wrong}`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(request));
  if (bytes > MAX_BODY_BYTES)
    throw new UsageError(
      `expected at most ${MAX_BODY_BYTES} bytes of request, got ${bytes}: --defaults or lists are too long`,
    );
}

function valueAt(value: unknown, key: string): string {
  const at =
    typeof value === 'object' && value !== null && key !== '' ? (value as Record<string, unknown>)[key] : value;
  return typeof at === 'string' ? `, got ${JSON.stringify(printable(at, 80))}` : '';
}
