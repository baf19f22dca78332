/** What is wrong with a choice, as far as it can be told without asking: each beside its field. */
import type { Overview } from '../../../shared/api/catalogue-answers.ts';
import { type Choice, isWord, MAX_PACKAGES } from '../choice.ts';
import { MESSAGES } from '../messages.ts';
import { byteLength } from './figures.ts';
import type { FieldErrors } from './request-build.ts';
import type { KnownDevice } from './use-device.ts';
import { branchOf } from './versions.ts';

const { version: ofVersion, device: ofDevice, packages, options } = MESSAGES.builder;

interface Chosen {
  readonly overview: Overview;
  readonly version: string;
  readonly choice: Choice;
  readonly script: string;
  readonly device: KnownDevice;
}

export function faultsOf({ overview, version, choice, script, device }: Chosen): FieldErrors {
  const { max_custom_rootfs_size_mb: mostMb, max_defaults_length: mostBytes } = overview.server;
  const bytes = byteLength(script);
  return {
    ...(branchOf(overview, version) === null && { version: version ? ofVersion.unknown(version) : ofVersion.none }),
    ...(choice.device === null && { device: ofDevice.needed }),
    ...(device.isThere === false && { device: ofDevice.absent(device.name ?? '', version) }),
    ...(choice.packages.length > MAX_PACKAGES && { packages: packages.tooMany(MAX_PACKAGES) }),
    ...(!choice.packages.every(isWord) && { packages: packages.malformed }),
    ...(!isRootfsSize(choice.rootfsMb, mostMb) && { rootfs: options.rootfsWrong(mostMb) }),
    ...(bytes > mostBytes && { script: options.scriptTooLong(bytes, mostBytes) }),
  };
}

const isRootfsSize = (text: string, most: number): boolean =>
  text === '' || (/^[0-9]{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= most);
