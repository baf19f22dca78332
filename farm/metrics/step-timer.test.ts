import { expect, test } from 'vitest';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { StepTimer } from './step-timer.ts';

const { INIT, DOWNLOAD_IMAGEBUILDER, UNPACK_IMAGEBUILDER, BUILDING_IMAGE } = BuildStep;

test.each<[string, [BuildStep, number][], number, Record<string, number>]>([
  ['nothing was told', [], 1000, {}],
  ['one step lasts to the end', [[INIT, 500]], 2000, { init: 1.5 }],
  [
    'each lasts to the next',
    [
      [INIT, 0],
      [UNPACK_IMAGEBUILDER, 100],
      [BUILDING_IMAGE, 300],
    ],
    4300,
    { init: 0.1, unpack_imagebuilder: 0.2, building_image: 4 },
  ],
  [
    'progress is no new step',
    [
      [DOWNLOAD_IMAGEBUILDER, 0],
      [DOWNLOAD_IMAGEBUILDER, 900],
      [UNPACK_IMAGEBUILDER, 1000],
    ],
    1000,
    { download_imagebuilder: 1, unpack_imagebuilder: 0 },
  ],
  [
    'a step that comes back adds up',
    [
      [DOWNLOAD_IMAGEBUILDER, 0],
      [UNPACK_IMAGEBUILDER, 1000],
      [DOWNLOAD_IMAGEBUILDER, 1500],
    ],
    3500,
    { download_imagebuilder: 3, unpack_imagebuilder: 0.5 },
  ],
  ['a clock that goes back takes nothing away', [[INIT, 1000]], 0, { init: 0 }],
  ['a step that we do not know has a name too', [[99 as BuildStep, 0]], 1000, { unspecified: 1 }],
])('%s', (_, steps, endMs, seconds) => {
  const timer = new StepTimer();
  for (const [step, atMs] of steps) timer.step(step, atMs);
  expect(Object.fromEntries(timer.end(endMs))).toEqual(seconds);
});

test('after the end no time passes', () => {
  const timer = new StepTimer();
  timer.step(INIT, 0);
  timer.end(1000);
  expect(Object.fromEntries(timer.end(9000))).toEqual({ init: 1 });
});
