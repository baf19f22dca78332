/** An order for an image of the demo distribution, as an edge makes it of what the mirror has. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { DemoMirror } from '../demo/generate-mirror.ts';
import type { MirrorServer } from '../demo/mirror-server.ts';
import type { Era } from '../demo/releases-table.ts';
import { type InputsInit, testOrder } from './test-order.fixture.ts';

export interface ServedMirror {
  readonly mirror: DemoMirror;
  readonly server: MirrorServer;
}

const TARGET = 'demo/generic';

export async function demoOrder(
  { mirror, server }: ServedMirror,
  era: Era,
  inputs: InputsInit = {},
  order: Parameters<typeof testOrder>[1] = {},
): Promise<BuildOrder> {
  const release = mirror.releases.find((candidate) => candidate.era === era);
  const found = release?.targets.find(({ target }) => target === TARGET);
  if (!release || !found) throw new Error(`expected a demo release of era ${era} with ${TARGET}, got none`);
  const archive = await readFile(path.join(mirror.directory, found.imageBuilder));
  return testOrder(
    {
      version: release.version,
      target: TARGET,
      profile: 'acme_ax3000-v1',
      revision: release.revision,
      imageBuilder: {
        url: `${server.url}/${found.imageBuilder}`,
        sha256: createHash('sha256').update(archive).digest('hex'),
      },
      versionUrl: `${server.url}/${release.path}`,
      ...inputs,
    },
    order,
  );
}
