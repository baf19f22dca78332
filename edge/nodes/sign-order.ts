/** Writes a build order for a node and signs the very bytes. Here, and only here, a sealed `defaults` is opened. */
import { create, toBinary } from '@bufbuild/protobuf';
import { fromBase64Url } from '../../shared/crypto/base64url.ts';
import { unseal } from '../../shared/crypto/seal.ts';
import { BuildOrderSchema, RepositoriesMode } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { isPrivate } from '../../shared/request/normalize-request.ts';
import type { EdgeContext } from '../edge-context.ts';
import type { Order } from '../foreman/leases/give-lease.ts';

export async function signOrder(
  context: EdgeContext,
  order: Order,
): Promise<{ readonly order: Uint8Array; readonly signature: Uint8Array; readonly logPermit: string }> {
  const { request, pins } = order;
  const sealed = order.sealedDefaults === null ? null : fromBase64Url(order.sealedDefaults);
  const message = create(BuildOrderSchema, {
    leaseId: order.leaseId,
    nodeId: order.nodeId,
    requestHash: order.requestHash,
    attempt: order.attempt,
    deadlineMs: BigInt(order.deadlineAt),
    inputs: {
      distro: request.distro,
      version: request.version,
      target: request.target,
      profile: request.profile,
      addPackages: [...request.addPackages],
      removePackages: [...request.removePackages],
      revision: pins.revision,
      imageBuilder: { url: pins.imageBuilder.url, sha256: pins.imageBuilder.sha256 },
      feeds: pins.feeds.map((feed) => ({ name: feed.name, sha256: feed.sha256 })),
      ...(request.rootfsSizeMb !== null && { rootfsSizeMb: request.rootfsSizeMb }),
      filesystem: request.filesystem ?? '',
      repositories: request.repositories.map((line) => {
        const [name = '', url = ''] = line.split(' ');
        return { name, url };
      }),
      repositoriesMode: request.repositoriesMode === 'replace' ? RepositoriesMode.REPLACE : RepositoriesMode.APPEND,
      repositoryKeys: [...request.repositoryKeys],
      defaults: sealed ? await unseal(context.keys.sealing, order.intentHash, sealed) : '',
      versionUrl: order.versionUrl,
    },
  });
  const bytes = new Uint8Array(toBinary(BuildOrderSchema, message));
  const logPermit = isPrivate(request) ? '' : context.logPermits.give(order.nodeId, order.leaseId);
  return { order: bytes, signature: await context.keys.signing.sign(bytes), logPermit };
}
