/** A build order that is right in every field, for tests to spoil. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type BuildInputsSchema, type BuildOrder, BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';

export type InputsInit = Exclude<MessageInitShape<typeof BuildInputsSchema>, { $typeName: string }>;

export const testOrder = (
  inputs: InputsInit = {},
  order: { leaseId?: string; requestHash?: string; deadlineMs?: bigint; nodeId?: string } = {},
): BuildOrder =>
  create(BuildOrderSchema, {
    leaseId: 'lease-1',
    requestHash: '0123456789abcdef'.repeat(4),
    attempt: 1,
    // Later than a busy machine takes for anything.
    deadlineMs: BigInt(Date.now() + 3_600_000),
    ...order,
    inputs: {
      distro: 'openwrt',
      version: '24.10.2',
      target: 'ath79/generic',
      profile: 'acme_x1',
      addPackages: ['vim'],
      removePackages: ['ppp'],
      revision: 'r28739-d9340319c6',
      imageBuilder: { url: 'https://mirror.example/ib.tar.zst', sha256: 'a'.repeat(64) },
      versionUrl: 'https://mirror.example/releases/24.10.2',
      ...inputs,
    },
  });
