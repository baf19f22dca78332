import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { completionXml, insideOf, textOf } from './s3-xml.ts';

test('the text of an element is read with its entities resolved', () => {
  const xml =
    '<?xml version="1.0"?><Error><Code>Slow&amp;Down</Code><Message>&lt;&#65;&#x42;&gt; &quot;&apos;</Message></Error>';
  expect(textOf(xml, 'Code')).toBe('Slow&Down');
  expect(textOf(xml, 'Message')).toBe('<AB> "\'');
  expect(textOf(xml, 'RequestId')).toBeUndefined();
});

test('an unknown entity and one that is no character are left as they are', () => {
  expect(textOf('<A>&nbsp;&#99999999;</A>', 'A')).toBe('&nbsp;&#99999999;');
});

test('rows are found one by one and keep to themselves', () => {
  const xml = '<R><Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents></R>';
  expect([...insideOf(xml, 'Contents')].map((row) => textOf(row, 'Key'))).toEqual(['a', 'b']);
  expect([...insideOf(xml, 'CommonPrefixes')]).toEqual([]);
});

test('rows that never end are none, however many begin', () => {
  expect([...insideOf('<Contents>'.repeat(1_000_000), 'Contents')]).toEqual([]);
  expect([...insideOf('</Part><Part>a</Part><Part>b', 'Part')]).toEqual(['a']);
});

test('any ETag that a server may give survives being sent back', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (etags) => {
      const xml = completionXml(etags.map((etag, index) => ({ partNumber: index + 1, etag })));
      const parts = [...insideOf(xml, 'Part')];
      expect(parts.map((part) => textOf(part, 'ETag'))).toEqual(etags);
      expect(parts.map((part) => Number(textOf(part, 'PartNumber')))).toEqual(etags.map((_, index) => index + 1));
    }),
  );
});

test('whatever a server sends, reading it does not throw', () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      expect(() => textOf(`<Code>${noise}</Code>`, 'Code')).not.toThrow();
    }),
  );
});
