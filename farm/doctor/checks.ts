/** What is looked at, in the order in which it is told: what is missing first, the proof last. */
import type { Check } from './check.ts';
import { certificateCheck } from './checks/certificate.ts';
import { demoBuildCheck } from './checks/demo-build.ts';
import { diskCheck } from './checks/disk.ts';
import { fenceCheck, overlayCheck } from './checks/fence.ts';
import { hostToolsCheck } from './checks/host-tools.ts';
import { imageBuildersCheck } from './checks/imagebuilders.ts';
import { lockCheck } from './checks/lock.ts';
import { memoryCheck, nodeVersionCheck, userCheck } from './checks/machine.ts';
import { clockCheck, edgeCheck, storeCheck, upstreamCheck } from './checks/network.ts';
import { stateDirectoryCheck } from './checks/state-directory.ts';

export const CHECKS: readonly Check[] = [
  nodeVersionCheck,
  hostToolsCheck,
  fenceCheck,
  overlayCheck,
  userCheck,
  memoryCheck,
  stateDirectoryCheck,
  lockCheck,
  diskCheck,
  imageBuildersCheck,
  upstreamCheck,
  edgeCheck,
  storeCheck,
  certificateCheck,
  clockCheck,
  demoBuildCheck,
];
