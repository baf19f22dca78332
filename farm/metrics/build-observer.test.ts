import { expect, test } from 'vitest';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { BuildObserver } from './build-observer.ts';
import type { EndedBuild } from './node-metrics.ts';

function observed() {
  const ended: EndedBuild[] = [];
  const clock = { ms: 1000 };
  const begun = { times: 0 };
  const metrics = {
    buildBegan: () => {
      begun.times += 1;
    },
    buildEnded: (build: EndedBuild) => ended.push(build),
  };
  return { observer: new BuildObserver(metrics, () => clock.ms), clock, ended, begun };
}

test('a build is told once, with its steps, and the largest peaks of its commands', () => {
  const { observer, clock, ended, begun } = observed();
  expect(begun.times).toBe(1);
  observer.step(BuildStep.INIT);
  clock.ms = 1500;
  observer.step(BuildStep.BUILDING_IMAGE);
  observer.peaks({ memoryBytes: 300, diskBytes: 10 });
  observer.peaks({ memoryBytes: 200, diskBytes: 20 });
  clock.ms = 4000;
  observer.end('succeeded');
  observer.end('internal');
  expect(ended).toEqual([
    {
      result: 'succeeded',
      seconds: 3,
      secondsOfStep: new Map([
        ['init', 0.5],
        ['building_image', 2.5],
      ]),
      peakMemoryBytes: 300,
      peakDiskBytes: 20,
    },
  ]);
});

test('what was not measured is not told as nothing', () => {
  const { observer, ended } = observed();
  observer.end('handed_back');
  expect(ended).toMatchObject([{ peakMemoryBytes: null, peakDiskBytes: null }]);
});
