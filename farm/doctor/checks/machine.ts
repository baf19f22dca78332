/** Is the machine big enough, its Node.js new enough, and is the user not mightier than need be? */
import { GIB, MIB, tellBytes } from '../../../shared/text/byte-size.ts';
import { type Machine, thisMachine } from '../../cli/machine.ts';
import { type Check, type Finding, ok, problem, warning } from '../check.ts';

export const nodeVersionCheck: Check = {
  id: 'node.js',
  patienceMs: 5_000,
  run: async () => judgeNodeVersion(process.versions.node),
};

/** Type stripping without a flag came with 22.18; what this project is tested with is 24. */
export function judgeNodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18))
    return problem(`Node.js ${version} is too old, at least 22.18 is needed`, 'run npm ci, which brings Node.js 24');
  if (major < 24)
    return warning(`Node.js ${version} works, but nobody tests with it`, 'run npm ci, which brings Node.js 24');
  return ok(`Node.js ${version}`);
}

export const userCheck: Check = {
  id: 'user',
  patienceMs: 5_000,
  run: async () => judgeUser(process.getuid?.() ?? -1),
};

export const judgeUser = (uid: number): Finding =>
  uid === 0
    ? warning('it would run as root', 'run the node as a user of its own, to whom nothing else belongs')
    : ok(`it would run as an ordinary user (${uid})`);

export const memoryCheck: Check = {
  id: 'memory',
  patienceMs: 5_000,
  run: async () => judgeMemory(thisMachine()),
};

/** A build takes about a GiB; the largest images a little more. */
export function judgeMemory({ memoryBytes, cores }: Pick<Machine, 'memoryBytes' | 'cores'>): Finding {
  const told = `${cores} processor${cores === 1 ? '' : 's'} and ${tellBytes(memoryBytes)} of memory`;
  if (memoryBytes < 512 * MIB)
    return problem(`${told}: too little for any build`, 'use a machine with at least 1 GiB of memory');
  if (memoryBytes < GIB - 128 * MIB)
    return warning(`${told}: large images will fail`, 'give it at least 1 GiB of memory, or swap');
  return ok(told);
}
