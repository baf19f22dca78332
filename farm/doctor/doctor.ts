/** `asu doctor`: is this machine fit to be a node, and if not, what is to be done? */
import os from 'node:os';
import path from 'node:path';
import type { Command } from '../cli/command.ts';
import { httpUrl, parse } from '../cli/flags.ts';
import { type Fence, probeFence } from '../fence/fence.ts';
import { TOOL_DIRECTORIES } from '../imagebuilder/host-tools.ts';
import type { Patient } from './check.ts';
import { demoBuildCheck } from './checks/demo-build.ts';
import { nearestDirectory } from './checks/state-directory.ts';
import { CHECKS } from './checks.ts';
import { reachOnce } from './reach.ts';
import { closingLines, findingLines, hasProblem, reportJson } from './report.ts';
import { type Examined, runChecks } from './run-checks.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const HELP = `Looks whether this machine can be a farm node, and says what to do where it cannot.

  asu doctor [--state DIR] [--edge URL] [--upstream URL] [--no-build] [--json]

  --state DIR      where the node keeps, or will keep, its things (or ASU_NODE_STATE; default .asu/node)
  --edge URL       also look at this edge, its store, and the node's certificate for it (or ASU_NODE_EDGE)
  --upstream URL   the mirror to look at (default: the edge's, or OpenWrt's)
  --no-build       leave out the build of a demo image, which takes some seconds
  --json           the same as data
  --help           this text

Exits with 0 where there is no problem (there may be warnings), with 1 where there is one.`;

const FLAGS = {
  state: { type: 'string' },
  edge: { type: 'string' },
  upstream: { type: 'string' },
  'no-build': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export const doctorCommand: Command = async (args, { terminal, environment, signal }) => {
  const values = parse(args, FLAGS);
  const say = (line: string) => terminal.out.write(`${line}\n`);
  if (values.help) {
    say(HELP);
    return 0;
  }
  const text = (flag: keyof typeof FLAGS) => values[flag] as string | undefined;
  const edge = text('edge') ?? environment.ASU_NODE_EDGE;
  const upstream = text('upstream');
  const patient = patientOf({
    stateDirectory: path.resolve(text('state') ?? environment.ASU_NODE_STATE ?? '.asu/node'),
    edgeUrl: edge ? httpUrl('--edge', edge) : null,
    upstreamUrl: upstream === undefined ? null : httpUrl('--upstream', upstream),
    signal,
  });
  const checks = CHECKS.filter((check) => !(values['no-build'] && check === demoBuildCheck));
  const all: Examined[] = [];
  for await (const examined of runChecks(checks, patient)) {
    all.push(examined);
    if (!values.json) for (const line of findingLines(examined, terminal)) say(line);
  }
  for (const line of values.json ? [reportJson(all)] : closingLines(all, terminal)) say(line);
  return hasProblem(all) ? 1 : 0;
};

export function patientOf(
  named: Pick<Patient, 'stateDirectory' | 'edgeUrl' | 'upstreamUrl' | 'signal'> & Partial<Patient>,
): Patient {
  let fence: ReturnType<Patient['fence']> | undefined;
  return {
    toolDirectories: TOOL_DIRECTORIES,
    reach: reachOnce(named.signal),
    fence: () => {
      fence ??= fenceNear(named.stateDirectory);
      return fence;
    },
    ...named,
  };
}

/** Where an overlay can be mounted depends on the file system; the state directory itself is not touched. */
async function fenceNear(stateDirectory: string): Promise<Fence> {
  const near = await nearestDirectory(stateDirectory);
  const probe = (parent: string) => withTemporaryDirectory(parent, '.asu-doctor-fence-', probeFence);
  return await probe(near ?? os.tmpdir()).catch(() => probe(os.tmpdir()));
}
