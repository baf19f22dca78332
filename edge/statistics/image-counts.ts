/** What is counted when an image is handed out: its version, its target, its profile, and the packages that were asked for. */
import { branchName } from '../../shared/upstream/branch.ts';
import type { Count } from './counted.ts';

/** Of a finished result's normalised request: nobody can make up a version, a target, a profile or a package that was built. */
export interface HandedOut {
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  readonly packages: readonly string[];
}

export function imageCounts({ version, target, profile, packages }: HandedOut, n = 1): Count[] {
  const branch = branchName(version) ?? '';
  return [
    { what: 'version', branch, name: version, n },
    { what: 'target', branch, name: target, n },
    { what: 'profile', branch, name: profile, n },
    ...packages.map((name): Count => ({ what: 'package', branch, name, n })),
  ];
}
