import { expect, it } from 'vitest';
import { NodeStanding as Wire } from '../gen/asu/farm/v1/foreman_pb.js';
import { standingFromWire, standingToWire } from './node-standing.ts';

it.each(['active', 'draining', 'quarantined'] as const)('%s is heard as it was said', (standing) => {
  expect(standingFromWire(standingToWire(standing))).toBe(standing);
});

it.each([Wire.UNSPECIFIED, 99 as Wire])('%i is none that we know', (wire) => {
  expect(standingFromWire(wire)).toBeNull();
});
