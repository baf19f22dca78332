import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { EventReader } from './server-sent-event.fixture.ts';
import { eventText, HEARTBEAT_TEXT, retryText } from './server-sent-event.ts';

test('an event is its fields, and every line of its data', () => {
  expect(eventText({ event: 'log', id: 'a.1', data: 'one\ntwo' })).toBe(
    'event: log\nid: a.1\ndata: one\ndata: two\n\n',
  );
});

test('whatever the data holds, a reader gets one event with that data and that id', () => {
  const forged = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    'id: forged',
    'event: done',
    'data: x',
    'retry: 1',
    ':',
    '\0',
    ' ',
  );
  const data = fc.oneof(
    fc.string(),
    fc.array(forged, { maxLength: 12 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(data, (text) => {
      const reader = new EventReader();
      expect(reader.push(eventText({ event: 'log', id: 'a.1', data: text }))).toEqual([
        { event: 'log', id: 'a.1', data: text.replace(/\r\n|\r/g, '\n') },
      ]);
      expect([reader.lastEventId, reader.retryMs, reader.comments]).toEqual(['a.1', undefined, 0]);
    }),
  );
});

test('what keeps the line open is no event, and neither is when to come back', () => {
  const reader = new EventReader();
  expect(reader.push(HEARTBEAT_TEXT + retryText(3_000))).toEqual([]);
  expect([reader.comments, reader.retryMs]).toEqual([1, 3_000]);
});
