import { describe, expect, test } from 'vitest';
import { GIB, MIB } from '../shared/text/byte-size.ts';
import { UsageError } from './cli/flags.ts';
import { parseNodeCommand } from './config.ts';

const edge = ['--edge', 'http://127.0.0.1:8787'];

const machine = { cores: 4, memoryBytes: 8 * GIB, hostname: 'host' };

const configOf = (argv: readonly string[], environment: NodeJS.ProcessEnv = {}, on = machine) => {
  const command = parseNodeCommand(argv, environment, on);
  if (command.command !== 'run') throw new Error('expected a run');
  return command.config;
};

describe('a node', () => {
  test('takes a flag before a variable before a default', () => {
    const environment = { ASU_NODE_NAME: 'from-env', ASU_NODE_SLOTS: '3' };
    const config = configOf([...edge, '--name', 'from-flag'], environment);
    expect([config.name, config.slots, config.reportMs]).toEqual(['from-flag', 3, 5000]);
  });

  test('gives its edge no slash at the end, and makes its state directory absolute', () => {
    const config = configOf(['--edge', 'https://edge.example/', '--state', 'x/../y']);
    expect(config.edgeUrl).toBe('https://edge.example');
    expect(config.stateDirectory).toMatch(/^\/.*\/y$/);
  });

  test.each([
    [[], /--edge: expected the URL of an edge/],
    [['--edge', 'ftp://x'], /--edge/],
    [['--edge', 'http://user@x'], /--edge/],
    [['--edge', 'http://['], /--edge/],
    [[...edge, '--state', ''], /--state: expected a directory, got nothing/],
    [[...edge, '--slots', '0'], /--slots: expected a whole number from 1 to 256, got "0"/],
    [[...edge, '--slots', '1.5'], /--slots/],
    [[...edge, '--report-ms', '99'], /--report-ms/],
    [[...edge, '--name', 'two words'], /--name/],
    [[...edge, '--name', '-x'], /--name/],
    [[...edge, '--state', '/tmp/with blank'], /--state: expected the state directory to be an absolute path/],
    [[...edge, '--state', '/tmp/$(x)'], /--state/],
    [[...edge, '--unheard-of'], /--unheard-of/],
    [[...edge, '--unheard-of'], /^there is no flag --unheard-of; --help lists what there is$/],
    [[...edge, 'word'], /^expected flags only, got "word"/],
    [[...edge, '--slots'], /--slots/],
    [[...edge, '--disk-budget', '40GB'], /--disk-budget: expected an amount from 100M to 1024T, .*, got "40GB"/],
    [[...edge, '--disk-budget', '5'], /--disk-budget: .* got "5"/],
    [[...edge, '--disk-budget', ''], /--disk-budget/],
    [[...edge, '--disk-reserve', '-1'], /--disk-reserve/],
    [[...edge, '--build-memory', '64M'], /--build-memory: expected an amount from 128M to 1T/],
    [[...edge, '--build-processes', '63'], /--build-processes: expected a whole number from 64 to 100000, got "63"/],
    [
      [...edge, '--mirror-redirects-to', 'http://files.lan'],
      /--mirror-redirects-to: expected HOST or HOST:PORT .*, got "http:\/\/files.lan"/,
    ],
    ...[
      '*.lan',
      'Files.lan',
      'files.lan/',
      'files.lan:80',
      'files.lan:443',
      'u@files.lan',
      'files.lan:',
      'fd00::9',
      '192.168.9',
    ].map((host): [string[], RegExp] => [
      [...edge, '--mirror-redirects-to', host],
      /--mirror-redirects-to: expected HOST/,
    ]),
    [
      [...edge, ...Array.from({ length: 33 }, (_, n) => ['--mirror-redirects-to', `h${n}`]).flat()],
      /--mirror-redirects-to: expected at most 32 hosts, got 33/,
    ],
    [[...edge, '--metrics', '9100'], /--metrics: expected HOST:PORT such as 127.0.0.1:9100, got "9100"/],
    [[...edge, '--listen', '8790'], /--listen: expected HOST:PORT such as 127.0.0.1:8790, got "8790"/],
    [
      [...edge, '--foreign-feeds', 'feeds.example'],
      /--foreign-feeds: expected http or https URLs .*, got "feeds.example"/,
    ],
    [[...edge, '--foreign-feeds', 'https://u:p@feeds.example/'], /--foreign-feeds: expected http or https URLs/],
    [[...edge, '--foreign-feeds', 'https://a.example/../b'], /--foreign-feeds/],
    [[...edge, '--foreign-feeds', 'https://a.example/', '--foreign-feeds', 'none'], /--foreign-feeds: .* got "none"/],
    [[...edge, '--foreign-feeds', ''], /--foreign-feeds: expected auto, none or URLs, got nothing/],
    [[...edge, '--log-format', 'xml'], /--log-format: expected text or json, got "xml"/],
    [[...edge, '--require-sandbox', '--no-require-sandbox'], /exclude each other/],
    [[...edge, '--allow-unsigned=yes'], /--allow-unsigned/],
  ])('%j is refused with a sentence', (argv, sentence) => {
    expect(() => configOf(argv)).toThrow(UsageError);
    expect(() => configOf(argv)).toThrow(sentence);
  });

  test.each([
    [{ ASU_NODE_REQUIRE_SANDBOX: 'no' }, /ASU_NODE_REQUIRE_SANDBOX: expected 1 or 0, got "no"/],
    [{ ASU_NODE_ALLOW_UNSIGNED: 'true' }, /ASU_NODE_ALLOW_UNSIGNED/],
    [{ ASU_NODE_ALLOW_UNSIGNED: '' }, /ASU_NODE_ALLOW_UNSIGNED/],
    [{ ASU_NODE_DISK_BUDGET: '1 G' }, /--disk-budget/],
  ])('%j is refused with a sentence', (environment, sentence) => {
    expect(() => configOf(edge, environment)).toThrow(sentence);
  });

  test('has defaults for all that is not given', () => {
    expect(configOf(edge)).toEqual({
      edgeUrl: 'http://127.0.0.1:8787',
      joinToken: null,
      stateDirectory: expect.stringMatching(/\/\.asu\/node$/),
      slots: 4,
      name: 'host',
      reportMs: 5000,
      upstreamKeyFiles: [],
      upstreamGpgKeyFile: null,
      allowsUnsigned: false,
      requiresSandbox: true,
      diskBudgetBytes: null,
      diskReserveBytes: GIB,
      buildMemoryBytes: 1.5 * GIB,
      buildProcesses: 2000,
      foreignFeeds: null,
      mirrorRedirectsTo: [],
      metrics: null,
      listen: null,
      s3: null,
      logFormat: 'text',
    });
  });

  const store = ['--s3-endpoint', 'http://s3.example:9000', '--s3-access-key-id', 'node-1'];
  const place = {
    endpoint: 'http://s3.example:9000',
    bucket: 'asu-images',
    region: 'us-east-1',
    accessKeyId: 'node-1',
  };

  test.each([
    [[...store], { ASU_NODE_S3_SECRET_ACCESS_KEY: 'hunter2' }, { ...place, secret: { text: 'hunter2' } }],
    [
      [...store, '--s3-secret-file', 's', '--s3-session-token-file', 't'],
      {},
      { ...place, secret: { file: 's' }, sessionToken: { file: 't' } },
    ],
    [
      [...store, '--s3-secret-file', 's'],
      { ASU_NODE_S3_SESSION_TOKEN: 'until Friday' },
      { ...place, secret: { file: 's' }, sessionToken: { text: 'until Friday' } },
    ],
    [[...store, '--s3-secret-file', '/run/s3'], {}, { ...place, secret: { file: '/run/s3' } }],
    [
      ['--s3-bucket', 'images', '--s3-region', 'auto'],
      {
        ASU_NODE_S3_ENDPOINT: 'https://s3.example',
        ASU_NODE_S3_ACCESS_KEY_ID: 'k',
        ASU_NODE_S3_SECRET_FILE: 's',
      },
      { endpoint: 'https://s3.example', bucket: 'images', region: 'auto', accessKeyId: 'k', secret: { file: 's' } },
    ],
  ])('with %j and %j it may put files into %j', (argv, environment, s3) => {
    expect(configOf([...edge, ...argv], environment).s3).toEqual(s3);
  });

  test.each([
    [['--s3-access-key-id', 'k'], {}, /--s3-endpoint: expected a URL, because a key/],
    [[], { ASU_NODE_S3_SECRET_ACCESS_KEY: 'hunter2' }, /--s3-endpoint: expected a URL, because a key/],
    [['--s3-endpoint', 'https://s3.example'], {}, /--s3-access-key-id: expected a key/],
    [store, {}, /expected its secret in one of --s3-secret-file and ASU_NODE_S3_SECRET_ACCESS_KEY/],
    [
      [...store, '--s3-secret-file', 'f'],
      { ASU_NODE_S3_SECRET_ACCESS_KEY: 'hunter2' },
      /expected its secret in one of/,
    ],
    [[], { ASU_NODE_S3_SESSION_TOKEN: 'token' }, /--s3-endpoint: expected a URL, because a key/],
    [['--s3-session-token-file', 't'], {}, /--s3-endpoint: expected a URL, because a key/],
    [
      [...store, '--s3-secret-file', 's', '--s3-session-token-file', 't'],
      { ASU_NODE_S3_SESSION_TOKEN: 'token' },
      /--s3-session-token-file: expected it, or ASU_NODE_S3_SESSION_TOKEN, got both/,
    ],
    [[...store, '--s3-session-token', 'token'], {}, /--s3-session-token/],
    [[...store, '--s3-endpoint', 'ftp://s3.example'], {}, /--s3-endpoint: expected http/],
    [[...store, '--s3-endpoint', 'https://u:p@s3.example'], {}, /--s3-endpoint: expected http/],
    [[...store, '--s3-endpoint', 'https://s3.example/path'], {}, /--s3-endpoint: expected http/],
    [[...store, '--s3-bucket', 'a/b'], {}, /--s3-bucket: expected 3 to 63/],
    [[...store, '--s3-secret-access-key', 'hunter2'], {}, /--s3-secret-access-key/],
  ])('with %j and %j, half a store or the secret as an argument, it does not start', (argv, environment, sentence) => {
    expect(() => configOf([...edge, ...argv], environment)).toThrow(UsageError);
    expect(() => configOf([...edge, ...argv], environment)).toThrow(sentence);
    expect(() => configOf([...edge, ...argv], environment)).not.toThrow(/hunter2/);
  });

  test.each([
    [{ cores: 2, memoryBytes: 64 * GIB }, [], 2, 4 * GIB],
    [{ cores: 64, memoryBytes: 8 * GIB }, [], 8, 768 * MIB],
    [{ cores: 2, memoryBytes: 512 * MIB }, [], 1, 512 * MIB],
    [{ cores: 2, memoryBytes: 3 * GIB - 1 }, ['--slots', '1'], 1, 2303 * MIB],
    [{ cores: 2, memoryBytes: 8 * GIB }, ['--slots', '256'], 256, 512 * MIB],
    [{ cores: 2, memoryBytes: 8 * GIB }, ['--build-memory', '2G'], 2, 2 * GIB],
  ])('on %j with %j it builds %i at once with %i bytes each', (size, argv, slots, memory) => {
    const config = configOf([...edge, ...argv], {}, { ...machine, ...size });
    expect([config.slots, config.buildMemoryBytes]).toEqual([slots, memory]);
  });

  test.each([
    [[], {}, true],
    [['--no-require-sandbox'], {}, false],
    [[], { ASU_NODE_REQUIRE_SANDBOX: '0' }, false],
    [['--require-sandbox'], { ASU_NODE_REQUIRE_SANDBOX: '0' }, true],
  ])('with %j and %j the sandbox is required: %j', (argv, environment, required) => {
    expect(configOf([...edge, ...argv], environment).requiresSandbox).toBe(required);
  });

  test.each([
    [['--upstream-keys', 'a.pub', '--upstream-keys', 'b.pub'], {}, ['a.pub', 'b.pub']],
    [[], { ASU_NODE_UPSTREAM_KEYS: '/keys/a.pub:/keys/b.pub' }, ['/keys/a.pub', '/keys/b.pub']],
    [[], { ASU_NODE_UPSTREAM_KEYS: '' }, []],
  ])('with %j and %j the key files are %j', (argv, environment, files) => {
    expect(configOf([...edge, ...argv], environment).upstreamKeyFiles).toEqual(files);
  });

  test.each([
    [[], {}, null],
    [['--foreign-feeds', 'auto'], { ASU_NODE_FOREIGN_FEEDS: 'none' }, null],
    [[], { ASU_NODE_FOREIGN_FEEDS: 'none' }, []],
    [
      ['--foreign-feeds', 'https://a.example/x', '--foreign-feeds', 'http://b.example:8080'],
      {},
      ['https://a.example/x', 'http://b.example:8080'],
    ],
    [
      [],
      { ASU_NODE_FOREIGN_FEEDS: ' https://a.example/x  http://b.example' },
      ['https://a.example/x', 'http://b.example'],
    ],
  ])('with %j and %j foreign feeds may lie below %j', (argv, environment, feeds) => {
    expect(configOf([...edge, ...argv], environment).foreignFeeds).toEqual(feeds);
  });

  test.each([
    [
      ['--mirror-redirects-to', 'files.lan', '--mirror-redirects-to', '[fd00::9]:8080'],
      {},
      ['files.lan', '[fd00::9]:8080'],
    ],
    [[], { ASU_NODE_MIRROR_REDIRECTS_TO: ' 192.168.1.9:8080  files.lan' }, ['192.168.1.9:8080', 'files.lan']],
    [['--mirror-redirects-to', ''], { ASU_NODE_MIRROR_REDIRECTS_TO: 'files.lan' }, []],
  ])('with %j and %j a mirror inside may redirect to %j', (argv, environment, hosts) => {
    expect(configOf([...edge, ...argv], environment).mirrorRedirectsTo).toEqual(hosts);
  });

  test('takes amounts, an address and a format', () => {
    const config = configOf([
      ...edge,
      ...['--disk-budget', '40G'],
      ...['--disk-reserve', '500M'],
      ...['--metrics', '[::1]:9100'],
      ...['--log-format', 'json'],
      '--allow-unsigned',
    ]);
    expect(config).toMatchObject({
      diskBudgetBytes: 40 * GIB,
      diskReserveBytes: 500 * MIB,
      metrics: { host: '::1', port: 9100 },
      logFormat: 'json',
      allowsUnsigned: true,
    });
  });

  test('prints where every value came from, and no token', () => {
    const command = parseNodeCommand([...edge, '--print-config'], { ASU_NODE_JOIN: 'hunter2', ASU_NODE_SLOTS: '4' });
    const text = command.command === 'print' ? command.text : '';
    expect(text).toContain('edge = http://127.0.0.1:8787 (--edge)');
    expect(text).toContain('slots = 4 (ASU_NODE_SLOTS)');
    expect(text).toContain('join = (secret) (ASU_NODE_JOIN)');
    expect(text).toContain('require-sandbox = 1 (default)');
    expect(text).toContain('disk-budget = auto (default)');
    expect(text).not.toContain('hunter2');
  });

  test('--help names every flag and its variable', () => {
    const command = parseNodeCommand(['--help'], {});
    const text = command.command === 'print' ? command.text : '';
    const flags =
      '--edge URL,--join TOKEN,--state DIR,--slots N,--name NAME,--report-ms MS,--upstream-keys FILE,--upstream-gpg-keys FILE,--[no-]allow-unsigned,--[no-]require-sandbox,--disk-budget SIZE,--disk-reserve SIZE,--build-memory SIZE,--build-processes N,--foreign-feeds URL,--mirror-redirects-to HOST,--metrics HOST:PORT,--log-format FORMAT';
    for (const flag of flags.split(',')) expect(text).toContain(`  ${flag} `);
    expect(text).toContain('ASU_NODE_REPORT_MS');
  });
});
