import { describe, expect, it } from 'vitest';
import { buildRecord, requestEcho } from '../../shared/build/build-record.fixture.ts';
import { BuiltResult } from './kept-result.ts';

const plain = buildRecord();
const sizeOf = (fields: Parameters<typeof buildRecord>[0]): number => new BuiltResult(buildRecord(fields)).sizeBytes;
const withPrefix = (imagePrefix: string) => ({ device: { ...plain.device, imagePrefix } });

describe('what a finished build takes in memory', () => {
  it('counts a character beyond Latin-1 by the two bytes that all of its text then takes', () => {
    const [narrow, wide] = ['ü', '界'].map((client) => sizeOf({ echo: requestEcho({ client }) }));
    expect(Number(wide) - Number(narrow)).toBe(new BuiltResult(plain).echoJson.length - 'owut/1'.length + 1);
  });

  it('has nothing of what all images for the device share', () => {
    expect(sizeOf(withPrefix('a'.repeat(200)))).toBe(sizeOf(withPrefix('b')));
  });

  it('has what is said of the device where that is too long to be shared', () => {
    const longer = sizeOf(withPrefix('a'.repeat(3_000_000))) - sizeOf(withPrefix('a'));
    expect(longer).toBeGreaterThan(3_000_000);
  });
});
