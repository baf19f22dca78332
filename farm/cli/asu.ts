/** The commands behind `asu`, as one command that hands over to them. */
import { SERVER_VERSION } from '../../shared/server-version.ts';
import type { Command } from './command.ts';
import { UsageError } from './flags.ts';

interface Row {
  readonly name: string;
  readonly summary: string;
  /** Not before it is wanted: a list of ImageBuilders needs no database driver, and a doctor must start on a sick machine. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: readonly Row[] = [
  {
    name: 'build',
    summary: 'ask a server for an image, wait for it, fetch it and check it',
    load: async () => (await import('./build-command.ts')).buildCommand,
  },
  {
    name: 'check',
    summary: 'ask a server whether there is something newer than what a router runs',
    load: async () => (await import('./check-command.ts')).checkCommand,
  },
  {
    name: 'verify',
    summary: 'check an image against what its server and its builders have signed',
    load: async () => (await import('./verify-command.ts')).verifyCommand,
  },
  {
    name: 'doctor',
    summary: 'look whether this machine can be a node, and say what to do where it cannot',
    load: async () => (await import('../doctor/doctor.ts')).doctorCommand,
  },
  {
    name: 'node',
    summary: 'run a farm node until told to stop',
    load: async () => (await import('./node-command.ts')).nodeCommand,
  },
  {
    name: 'imagebuilder',
    summary: 'list, fetch, remove and prune the ImageBuilders on disk',
    load: async () => (await import('./imagebuilder-command.ts')).imageBuilderCommand,
  },
  {
    name: 'token',
    summary: 'let a machine join the farm of an edge that is yours',
    load: async () => (await import('./token-command.ts')).tokenCommand,
  },
  {
    name: 'nodes',
    summary: 'list the nodes of that farm, drain, quarantine and revoke them',
    load: async () => (await import('./nodes-command.ts')).nodesCommand,
  },
  {
    name: 'builds',
    summary: 'stop a build of that farm',
    load: async () => (await import('./builds-command.ts')).buildsCommand,
  },
  {
    name: 'keygen',
    summary: 'make the secret of a server, and print its public key',
    load: async () => (await import('./keygen-command.ts')).keygenCommand,
  },
];

const HELP = `The Attended Sysupgrade Server at a shell: images from a server, and what whoever runs one needs.

${COMMANDS.map(({ name, summary }) => `  asu ${name.padEnd(14)} ${summary}`).join('\n')}

  asu COMMAND --help  what it takes
  asu --version       which version this is

Begin with: asu build --help for an image, asu doctor for a machine that is to build them`;

export const asu: Command = async ([name, ...rest], context) => {
  const { out } = context.terminal;
  if (name === undefined || name === '--help' || name === 'help') return print(out, HELP);
  if (name === '--version') return print(out, SERVER_VERSION);
  const row = COMMANDS.find((candidate) => candidate.name === name);
  if (row === undefined) {
    const kind = name.startsWith('-') ? 'flag' : 'command';
    throw new UsageError(`there is no ${kind} ${JSON.stringify(name)}; asu --help lists what there is`);
  }
  const command = await row.load();
  return await command(rest, context);
};

function print(out: NodeJS.WriteStream, text: string): number {
  out.write(`${text}\n`);
  return 0;
}
