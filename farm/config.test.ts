import { describe, expect, test } from 'vitest';
import { parseNodeCommand, UsageError } from './config.ts';

const edge = ['--edge', 'http://127.0.0.1:8787'];

const configOf = (argv: readonly string[], environment: NodeJS.ProcessEnv = {}) => {
  const command = parseNodeCommand(argv, environment);
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
    [[...edge, '--slots', '0'], /--slots: expected a whole number from 1 to 256, got "0"/],
    [[...edge, '--slots', '1.5'], /--slots/],
    [[...edge, '--report-ms', '99'], /--report-ms/],
    [[...edge, '--name', 'two words'], /--name/],
    [[...edge, '--name', '-x'], /--name/],
    [[...edge, '--state', '/tmp/with blank'], /--state: expected the state directory to be an absolute path/],
    [[...edge, '--state', '/tmp/$(x)'], /--state/],
    [[...edge, '--unheard-of'], /--unheard-of/],
    [[...edge, 'word'], /word/],
  ])('%j is refused with a sentence', (argv, sentence) => {
    expect(() => configOf(argv)).toThrow(UsageError);
    expect(() => configOf(argv)).toThrow(sentence);
  });

  test('prints where every value came from, and no token', () => {
    const command = parseNodeCommand([...edge, '--print-config'], { ASU_NODE_JOIN: 'hunter2', ASU_NODE_SLOTS: '4' });
    const text = command.command === 'print' ? command.text : '';
    expect(text).toContain('edge = http://127.0.0.1:8787 (--edge)');
    expect(text).toContain('slots = 4 (ASU_NODE_SLOTS)');
    expect(text).toContain('join = (secret) (ASU_NODE_JOIN)');
    expect(text).not.toContain('hunter2');
  });

  test('--help names every flag and its variable', () => {
    const command = parseNodeCommand(['--help'], {});
    const text = command.command === 'print' ? command.text : '';
    for (const flag of ['--edge URL', '--join TOKEN', '--state DIR', '--slots N', '--name NAME', '--report-ms MS'])
      expect(text).toContain(flag);
    expect(text).toContain('ASU_NODE_REPORT_MS');
  });
});
