/**
 * A router as its clients see it over ubus: board, release and packages. It is taken from an image that this server built,
 * so that an upgrade starts from a state that a real router could be in.
 */
import { built } from '../players/router.ts';
import { textByName, texts } from './json-field.ts';

export interface RouterState {
  /** `acme,ax3000-v1`, as the device tree spells it. */
  readonly boardName: string;
  readonly target: string;
  readonly version: string;
  /** `r28739-…` */
  readonly revision: string;
  readonly rootfsType: string;
  /** All packages, names without ABI suffix. */
  readonly installed: Readonly<Record<string, string>>;
  /** Those that somebody asked for: defaults and the user's own, no dependencies. */
  readonly topLevel: readonly string[];
}

export interface RunningImage {
  readonly boardName: string;
  readonly target: string;
  readonly version: string;
  readonly packages: readonly string[];
  readonly rootfsType?: string;
}

/** The package manager remembers which package it took for a virtual default. */
const PROVIDERS: Readonly<Record<string, string>> = { nftables: 'nftables-json' };

export async function routerRunning(serverUrl: string, image: RunningImage): Promise<RouterState> {
  const { boardName, target, version, packages } = image;
  const { status, body } = await built(serverUrl, { version, target, profile: boardName, packages });
  if (status !== 200) throw new Error(`no image to start from: ${JSON.stringify(body)}`);
  const installed = textByName(body.manifest, 'manifest');
  const asked = [
    ...texts(body.default_packages, 'default_packages'),
    ...texts(body.device_packages, 'device_packages'),
    ...packages,
  ].map((name) => PROVIDERS[name] ?? name);
  return {
    boardName,
    target,
    version,
    revision: body.version_code,
    rootfsType: image.rootfsType ?? 'squashfs',
    installed,
    topLevel: [...new Set(asked)].filter((name) => Object.hasOwn(installed, name)).sort(),
  };
}
