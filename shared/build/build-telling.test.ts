import { describe, expect, it, test } from 'vitest';
import { BuildStep } from '../gen/asu/farm/v1/build_pb.js';
import { leaseMark } from '../http/resume-point.ts';
import { requestEcho } from './build-record.fixture.ts';
import { type BuildStatus, pendingBody } from './build-state.ts';
import { endEvent, newcomer, type Telling, type Told, tellLog, tellState, turnTo } from './build-telling.ts';

type Pending = Extract<BuildStatus, { state: 'queued' | 'running' }>;

const live = { requestHash: 'a'.repeat(64), echo: requestEcho(), enqueuedAt: 1_763_000_000_123, etaSeconds: 42 };
const queued = (position = 0, etaSeconds = 42): Pending => ({
  ...live,
  state: 'queued',
  position,
  ahead: position,
  etaSeconds,
});
const running = (leaseId: string, step = BuildStep.INIT, more: Partial<Pending> = {}): Pending =>
  ({ ...live, state: 'running', leaseId, step, bytesDone: 0, bytesTotal: 0, isPrivate: false, ...more }) as Pending;

const start = newcomer({ kind: 'start' });
const [one, two] = [leaseMark('one'), leaseMark('two')];

/** What the listener hears, one after the other, in words: `state <status word>`, `restart`, `log <text>`, each with its id. */
function hear(from: Told, ...happened: (Pending | string)[]): string[] {
  let told = from;
  const heard: string[] = [];
  const say = (telling: Telling) => {
    told = telling.told;
    for (const { event, id, data } of telling.events)
      heard.push(`${event} ${event === 'log' ? data : (JSON.parse(data).imagebuilder_status ?? '')} @${id}`);
  };
  for (const each of happened)
    if (typeof each === 'string') say(tellLog(told, each));
    else {
      say(turnTo(told, each.state === 'running' ? each.leaseId : null));
      say(tellState(told, each));
    }
  return heard;
}

describe('a listener hears', () => {
  it.each<[string, Told, (Pending | string)[], string[]]>([
    ['the state at once', start, [queued(3)], ['state queued @start']],
    [
      'of one state once, while only the estimate changes',
      start,
      [queued(3, 90), queued(3, 80)],
      ['state queued @start'],
    ],
    ['how it moves up', start, [queued(3), queued(2)], ['state queued @start', 'state queued @start']],
    [
      'of a start and of each step',
      start,
      [queued(), running('one'), running('one', BuildStep.BUILDING_IMAGE)],
      ['state queued @start', `state init @${one}.0`, `state building_image @${one}.0`],
    ],
    [
      'the log piece by piece, and where it is afterwards',
      start,
      [running('one'), 'a', 'b', running('one', BuildStep.SIGNING_IMAGES)],
      [`state init @${one}.0`, `log a @${one}.1`, `log b @${one}.2`, `state signing_images @${one}.2`],
    ],
    [
      'that it begins again, and the new log from its beginning',
      start,
      [running('one'), 'a', queued(), running('two'), 'b'],
      [
        `state init @${one}.0`,
        `log a @${one}.1`,
        'restart  @start',
        'state queued @start',
        `state init @${two}.0`,
        `log b @${two}.1`,
      ],
    ],
    [
      'of a beginning that was over between two looks',
      start,
      [running('one'), 'a', running('two')],
      [`state init @${one}.0`, `log a @${one}.1`, `restart  @${two}.0`, `state init @${two}.0`],
    ],
    [
      'coming back, the state again and the log from where it was',
      newcomer({ kind: 'log', mark: one, piece: 7 }),
      [running('one'), 'h'],
      [`state init @${one}.7`, `log h @${one}.8`],
    ],
    [
      'coming back to another try, that it began again',
      newcomer({ kind: 'log', mark: one, piece: 7 }),
      [running('two'), 'a'],
      [`restart  @${two}.0`, `state init @${two}.0`, `log a @${two}.1`],
    ],
    [
      'coming back to no try, that it will begin again',
      newcomer({ kind: 'log', mark: one, piece: 7 }),
      [queued()],
      ['restart  @start', 'state queued @start'],
    ],
  ])('%s', (_, from, happened, heard) => {
    expect(hear(from, ...happened)).toEqual(heard);
  });
});

test('a transfer that goes on is news', () => {
  const transfer = (bytesDone: number) =>
    running('one', BuildStep.DOWNLOAD_IMAGEBUILDER, { bytesDone, bytesTotal: 10 } as object);
  expect(hear(start, transfer(1), transfer(1), transfer(2))).toHaveLength(2);
});

test('a state is the body that a poll would get, and names no lease', () => {
  const status = running('lease-of-somebody', BuildStep.BUILDING_IMAGE);
  const [event] = tellState(turnTo(start, 'lease-of-somebody').told, status).events;
  expect(event?.event).toBe('state');
  expect(JSON.parse(event?.data ?? '')).toEqual(pendingBody(status));
  expect(JSON.stringify(event)).not.toContain('lease-of-somebody');
});

test('the last word has the id of the end', () => {
  expect(endEvent('failed', '{}')).toEqual({ event: 'failed', id: 'end', data: '{}' });
});

test('there is no log of nobody’s try', () => {
  expect(() => tellLog(start, 'x')).toThrow('expected a try');
});
