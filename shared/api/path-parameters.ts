/** What may stand for `{name}` in a path of the API. The examples are what the page at /docs fills in. */
import { z } from 'zod';
import { NODE_ACTIONS } from '../node/node-state.ts';
import { OUTPUT_FILE, WORD } from '../request/grammar.ts';
import type { Parameter } from './operation.ts';

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ examples: ['5ca1ab1e'.repeat(8)] });
const shortHash = z
  .string()
  .regex(/^[0-9a-f]{15}$/)
  .meta({ examples: ['5ca1ab1e5ca1ab1'] });
const word = (max: number, example: string) =>
  z
    .string()
    .max(max)
    .regex(WORD)
    .meta({ examples: [example] });
const part = (example: string) =>
  z
    .string()
    .regex(/^\w+$/)
    .meta({ examples: [example] });
const image = z
  .string()
  .regex(OUTPUT_FILE)
  .meta({ examples: ['openwrt-24.10.2-x86-64-generic-squashfs-combined.img.gz'] });

export const PATH_PARAMETERS: Readonly<Record<string, Parameter>> = {
  request_hash: { schema: hash, text: '`request_hash` of the answer to the POST.' },
  request_name: {
    schema: z
      .string()
      .regex(/^(?:[0-9a-f]{12}|[0-9a-f]{64})$/)
      .meta({ examples: ['359a2afe0281'] }),
    text: '`request_hash` of the answer to the POST.',
  },
  image_hash: { schema: shortHash, text: '`image_hash` of the finished build.' },
  manifest_hash: { schema: shortHash, text: "`manifest_hash` of the image's page." },
  files_path: {
    schema: z
      .string()
      .regex(/^(?:[0-9a-f]{32}|[0-9a-f]{64})$/)
      .meta({ examples: ['5ca1ab1e'.repeat(4)] }),
    text: 'As `files` of the finished build names it; or the whole hash of the build.',
  },
  number: {
    schema: z
      .string()
      .regex(/^[1-9][0-9]{0,14}$/)
      .meta({ examples: ['1'] }),
    text: 'Records are counted from 1.',
  },
  bin_dir: { schema: hash, text: '`bin_dir` of the finished build.' },
  file: { schema: image, text: '`name` of one of its images.' },
  version: { schema: word(64, '24.10.2'), text: 'A version.' },
  target: { schema: part('x86'), text: 'The target, without its subtarget.' },
  subtarget: { schema: part('64'), text: 'The subtarget.' },
  profile: { schema: word(128, 'generic'), text: "A profile's id, or a name by which its images know the device." },
  node_id: { schema: hash, text: '`id` of a node.' },
  action: { schema: z.enum(NODE_ACTIONS).meta({ examples: ['drain'] }), text: 'What to do.' },
  arch: { schema: word(128, 'x86_64'), text: 'An architecture of packages.' },
};
