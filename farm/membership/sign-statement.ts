/**
 * The node's signed statement about a build: what binds it to its word. Made of the order as it came and of what is uploaded, for
 * the edge compares it with what it gave and what it got.
 */
import { isDeterministic } from '../../shared/build/build-error.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import { type BuildOrder, RepositoriesMode } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { nodeIdOf } from '../../shared/node/node-identity.ts';
import { parseJsonObject } from '../../shared/text/json-object.ts';
import { signDsse } from '../../shared/trust/dsse.ts';
import { failureStatement, IN_TOTO_TYPE, imageStatement, type OrderedBuild } from '../../shared/trust/statement.ts';
import type { BuildFailure, BuildOutput } from '../agent/build-event.ts';

export const signImageStatement = (key: SigningKey, order: BuildOrder, output: BuildOutput): Promise<Uint8Array> =>
  sign(
    key,
    imageStatement(orderedBuild(order, key), {
      files: output.files,
      manifest: output.manifest,
      sourceDateEpoch: sourceDateEpochOf(output.profilesJson),
    }),
  );

/** Empty for a failure that says nothing of the request: it is no vote. */
export const signFailureStatement = async (
  key: SigningKey,
  order: BuildOrder,
  { kind }: Pick<BuildFailure, 'kind'>,
): Promise<Uint8Array> =>
  isDeterministic(kind) ? await sign(key, failureStatement(orderedBuild(order, key), kind)) : new Uint8Array();

const sign = async (key: SigningKey, payload: Uint8Array): Promise<Uint8Array> =>
  utf8ToBytes(JSON.stringify(await signDsse(key, IN_TOTO_TYPE, payload)));

/** In the words of the edge, which wrote the order from them (edge/nodes/sign-order.ts). */
export function orderedBuild({ inputs, requestHash, leaseId }: BuildOrder, key: SigningKey): OrderedBuild {
  if (!inputs) throw new Error('expected an order with inputs');
  return {
    requestHash,
    leaseId,
    nodeId: nodeIdOf(key.publicKey),
    request: {
      distro: inputs.distro,
      version: inputs.version,
      target: inputs.target,
      profile: inputs.profile,
      addPackages: inputs.addPackages,
      removePackages: inputs.removePackages,
      rootfsSizeMb: inputs.rootfsSizeMb ?? null,
      filesystem: inputs.filesystem || null,
      repositories: inputs.repositories.map(({ name, url }) => `${name} ${url}`),
      repositoriesMode: inputs.repositoriesMode === RepositoriesMode.REPLACE ? 'replace' : 'append',
      repositoryKeys: inputs.repositoryKeys,
      firstBootScript: inputs.defaults !== '',
    },
    pins: {
      revision: inputs.revision,
      imageBuilder: { url: inputs.imageBuilder?.url ?? '', sha256: inputs.imageBuilder?.sha256 ?? '' },
      feeds: inputs.feeds.map(({ name, sha256 }) => ({ name, sha256 })),
    },
  };
}

/** As the edge reads it; 0 where an ImageBuilder does not tell. */
function sourceDateEpochOf(profilesJson: string): number {
  const { source_date_epoch: epoch } = parseJsonObject(profilesJson);
  return typeof epoch === 'number' && Number.isSafeInteger(epoch) ? epoch : 0;
}
