import { describe, expect, test } from 'vitest';
import { UsageError } from '../cli/flags.ts';
import { gather, judge, parseServeCommand } from './serve-options.ts';

const NEEDED = {
  SERVER_KEY: 'ab'.repeat(32),
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  S3_ACCESS_KEY_ID: 'asu',
  S3_SECRET_ACCESS_KEY: 'secret',
};
const NOTHING = { set: {}, settingsFile: null };

describe('the command line of npm run serve', () => {
  test('without flags it listens on loopback and keeps everything in .asu', () => {
    expect(parseServeCommand([])).toMatchObject({
      command: 'serve',
      address: '127.0.0.1:8787',
      settingsFile: null,
      set: {},
    });
  });

  test.each([
    [['--listen', '8787'], '--listen: expected HOST:PORT, such as 127.0.0.1:8787, got "8787"'],
    [['--listen', '0.0.0.0:70000'], '--listen: expected HOST:PORT'],
    [['--state', ''], '--state: expected a directory, got nothing'],
    [['--set', 'UPSTREAM_URL'], '--set: expected NAME=VALUE, got "UPSTREAM_URL"'],
    [['--set', 'UPSTREAM=https://x.example'], '--set: there is no variable UPSTREAM; --print-config lists them'],
    [['--port', '80'], 'there is no flag --port'],
  ])('%j is refused with a sentence', (argv, sentence) => {
    expect(() => parseServeCommand(argv)).toThrow(UsageError);
    expect(() => parseServeCommand(argv)).toThrow(sentence);
  });
});

describe('where a variable comes from', () => {
  const file = 'CONTACT="the file"\n# no variable\nS3_REGION=file\nS3_BUCKET=file\n';
  const environment = { S3_REGION: 'environment', S3_BUCKET: 'environment', HOME: '/root' };
  const given = gather({ set: { S3_BUCKET: 'flag' }, settingsFile: '/etc/asu/edge.env' }, file, environment);

  test.each([
    ['CONTACT', 'the file', '/etc/asu/edge.env'],
    ['S3_REGION', 'environment', 'environment'],
    ['S3_BUCKET', 'flag', '--set'],
  ] as const)('%s is %j, by %s', (name, value, from) => expect(given.get(name)).toEqual({ value, from }));

  test('what is no variable of ours in the environment is somebody else’s', () =>
    expect([...given.keys()]).not.toContain('HOME'));

  test('in the file it is a mistake that is named', () =>
    expect(() => gather({ set: {}, settingsFile: 'edge.env' }, 'UPSTREM_URL=https://x.example', {})).toThrow(
      'edge.env: there is no variable UPSTREM_URL',
    ));

  test('no header is believed to say who asks unless it is named: without a proxy anybody writes it', () => {
    expect(judge(gather(NOTHING, '', NEEDED)).CLIENT_ADDRESS_HEADER).toBe('');
    const named = { ...NEEDED, CLIENT_ADDRESS_HEADER: 'X-Client-Address' };
    expect(judge(gather(NOTHING, '', named)).CLIENT_ADDRESS_HEADER).toBe('x-client-address');
  });
});

describe('what must be given', () => {
  test.each(['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'])('%s: without it nothing starts', (name) => {
    const { [name as 'S3_ENDPOINT']: _, ...rest } = NEEDED;
    expect(() => judge(gather(NOTHING, '', rest))).toThrow(`${name} is not set.`);
  });

  test('an impossible value is named, a secret one not shown', () => {
    const wrong = { ...NEEDED, SERVER_KEY: 'hunter2' };
    expect(() => judge(gather(NOTHING, '', wrong))).toThrow(/^SERVER_KEY: expected 64 hex digits(?!.*hunter2)/);
    expect(() => judge(gather(NOTHING, '', { ...NEEDED, MAX_QUEUE: 'many' }))).toThrow('MAX_QUEUE: expected a whole');
  });
});
