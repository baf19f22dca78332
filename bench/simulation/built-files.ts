/** The files of a build, and what a node reports of them: as many and as large as a profile's, and no bytes behind them. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { LeaseReportSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { FARM } from './parameters.ts';
import { TARGETS } from './upstream.ts';

export type ReportedEvent = MessageInitShape<typeof LeaseReportSchema>['event'];

export interface BuiltFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The first of them are images. */
const NAMES = ['sysupgrade.bin', 'factory.bin', 'image.manifest', 'profiles.json', 'sha256sums'];
const IMAGES = 2;
const IMAGE_BYTES = 9_000_000;
const OTHER_BYTES = 10_000;

/** `image`: what the bytes are made from. */
export const filesOf = ({ request }: Pick<Order, 'request'>, image: string): BuiltFile[] =>
  NAMES.slice(0, FARM.files).map((name, at) => ({
    name: `openwrt-${request.profile}-${name}`,
    sizeBytes: at < IMAGES ? IMAGE_BYTES : OTHER_BYTES,
    sha256: sha256Hex(`${image} ${name}`),
  }));

const profilesJsonOf = new Map(TARGETS.map((target) => [target.name, target.profilesJson]));

export function succeeded({ request }: Order, files: readonly BuiltFile[]): ReportedEvent {
  const told = files.map((file) => ({ ...file, sizeBytes: BigInt(file.sizeBytes) }));
  return {
    case: 'succeeded',
    value: {
      files: told,
      images: told.slice(0, IMAGES).map((file) => ({
        ...file,
        type: file.name.includes('sysupgrade') ? 'sysupgrade' : 'factory',
        filesystem: 'squashfs',
      })),
      manifest: ['base-files', ...request.addPackages].map((name) => ({ name, version: '1' })),
      profilesJson: profilesJsonOf.get(request.target) ?? '',
      buildCommand: ['make', 'image'],
      durationMs: 1_000n,
    },
  };
}
