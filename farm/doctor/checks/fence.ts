/** Can builds be fenced here, and can they share one tree of an ImageBuilder? */
import { findTool } from '../../imagebuilder/host-tools.ts';
import { type Check, ok, problem, warning } from '../check.ts';

const NAMESPACES =
  'let this user make namespaces (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0; in Docker --security-opt seccomp=unconfined --security-opt apparmor=unconfined), or start the node with --no-require-sandbox if you trust every package that it builds with';

export const fenceCheck: Check = {
  id: 'fence',
  patienceMs: 60_000,
  run: async ({ fence, toolDirectories }) => {
    const found = await fence();
    const told = found.told.replace(/\.$/, '');
    if (found.kind !== 'none') return ok(told);
    const isInstalled = (await findTool('bwrap', toolDirectories)) !== null;
    return isInstalled ? problem(told, NAMESPACES) : problem(told, 'install bubblewrap', ['bubblewrap']);
  },
};

export const overlayCheck: Check = {
  id: 'overlay',
  patienceMs: 60_000,
  run: async ({ fence }) => {
    const { kind, canOverlay } = await fence();
    if (kind === 'none') return warning('without a fence there is no overlay: each build copies its ImageBuilder');
    return canOverlay
      ? ok('builds share one tree of an ImageBuilder, each with an overlay of its own')
      : warning(
          'no overlay can be mounted here: each build copies its ImageBuilder, which takes a second or two and its size on disk',
          'keep the state directory on ext4, xfs or btrfs, not on a network share or on an overlay',
        );
  },
};
