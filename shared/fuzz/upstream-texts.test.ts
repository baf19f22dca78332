/**
 * Parsers of what others wrote, on texts that nobody should have written. FUZZ_RUNS texts a parser (1,500), others by FUZZ_SEED. What
 * was found stands in the parsers' own tests.
 */
import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { damagedText, ENDLESS_TEXTS } from './damaged-text.fixture.ts';
import { OTHER_TEXTS, TEXT_PARSERS, type TextParser } from './upstream-texts.fixture.ts';

const environment = (globalThis as { readonly process?: { readonly env?: Readonly<Record<string, string>> } }).process
  ?.env;
const RUNS = Number(environment?.FUZZ_RUNS ?? 1_500);

const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\ud800-\udfff]/u;

/** What is wrong with how the parser took it; nothing where it is refused as it should be. */
function faults({ broken }: TextParser, text: string): readonly unknown[] {
  try {
    return broken(text);
  } catch (error) {
    if (!(error instanceof Error)) return ['something was thrown that is no Error'];
    if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return [error.stack];
    return [
      ...(error.message.length > 1_000 ? [`a message of ${error.message.length} characters`] : []),
      ...(UNPRINTABLE.test(error.message) ? [`a message with ${JSON.stringify(UNPRINTABLE.exec(error.message))}`] : []),
    ];
  }
}

describe.each(TEXT_PARSERS.map((parser) => [parser.name, parser] as const))('%s', (_, parser) => {
  it('is read where it is whole', () => {
    for (const sample of parser.samples) expect(parser.broken(sample)).toEqual([]);
  });

  it('damaged, is refused in a sentence or read by the rules', () => {
    const text = damagedText(parser.samples, OTHER_TEXTS);
    fc.assert(
      fc.property(text, (damaged) => {
        expect(faults(parser, damaged)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it.each(ENDLESS_TEXTS)('endless %s end', (__, text) => {
    expect(faults(parser, text)).toEqual([]);
  });
});
