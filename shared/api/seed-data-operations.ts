/** The routes by which pages of 2018 and 2019 learned what there is, what an image is, and how much was asked for. */
import { z } from 'zod';
import type { ComponentName } from './components.ts';
import type { Answer, Operation, Parameter } from './operation.ts';

const word = (example: string, text: string): Parameter => ({
  schema: z
    .string()
    .max(64)
    .meta({ examples: [example] }),
  text,
});

const DISTRO = word('openwrt', 'A distribution, whatever the case.');
const VERSION = word('24.10.2', 'One of its versions.');
const SUBTARGET = word('generic', 'Of a target without a slash in it.');

const refusal = (text: string): Answer => ({ text, shapes: ['SeedProblem'] });
const later = (text: string): Answer => ({ text, shapes: ['SeedProblem'], headers: ['Retry-After'] });

const UNCHANGED: Answer = { text: '`If-None-Match` names it.', headers: ['ETag'] };
const MISSING = refusal('A parameter is missing, is there twice or is too long; `error` names it.');
const UNKNOWN = refusal('There is no such distribution, version, target or device.');
const LIMITED = later('Too many requests from your network.');
const UNAVAILABLE = later('The upstream mirror does not answer as it should.');

const list = (shape: ComponentName, text: string): Answer => ({ text, shapes: [shape], headers: ['ETag'] });

/** From counters. */
const statistics = (path: string, id: string, summary: string, shape: ComponentName, text: string): Operation => ({
  method: 'get',
  paths: [`/api/v1/stats/${path}`],
  id,
  tag: 'seed',
  summary,
  answers: { 200: { text, shapes: [shape] }, 503: LIMITED },
});

export const SEED_DATA_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/api/image/{image_hash}'],
    id: 'getSeedImage',
    tag: 'seed',
    summary: 'What an image is',
    answers: {
      200: { text: 'What is known of it.', shapes: ['SeedImage'] },
      404: refusal('There is none, or it was made with `defaults`.'),
      503: LIMITED,
    },
  },
  {
    method: 'get',
    paths: ['/api/manifest/{manifest_hash}'],
    id: 'getSeedManifest',
    tag: 'seed',
    summary: 'What is installed in an image',
    answers: {
      200: { text: 'Names and versions.', shapes: ['SeedManifest'] },
      404: refusal('No public image has these packages.'),
      503: LIMITED,
    },
  },
  {
    method: 'get',
    paths: ['/api/distros'],
    id: 'getSeedDistros',
    tag: 'seed',
    summary: 'Distributions',
    answers: { 200: list('SeedDistros', 'Those that this server builds.'), 304: UNCHANGED, 503: UNAVAILABLE },
  },
  {
    method: 'get',
    paths: ['/api/distributions'],
    id: 'getSeedDistributions',
    tag: 'seed',
    summary: 'Distributions with their versions',
    answers: { 200: list('SeedDistributions', 'By name.'), 304: UNCHANGED, 503: UNAVAILABLE },
  },
  {
    method: 'get',
    paths: ['/api/versions'],
    id: 'getSeedVersions',
    tag: 'seed',
    summary: 'Versions',
    query: { distro: DISTRO },
    answers: {
      200: list('SeedVersions', 'Of all distributions, or of one.'),
      304: UNCHANGED,
      400: MISSING,
      412: UNKNOWN,
      503: UNAVAILABLE,
    },
  },
  {
    method: 'get',
    paths: ['/api/models'],
    id: 'findSeedModels',
    tag: 'seed',
    summary: 'Devices by a part of their name',
    query: {
      distro: DISTRO,
      version: VERSION,
      model_search: word('wdr4300', 'A part of the name, whatever the case.'),
      subtarget: word('', 'Where it is there, be it empty: targets without their subtarget.'),
    },
    answers: {
      200: list('SeedModels', 'At most 100, by name.'),
      304: UNCHANGED,
      400: MISSING,
      412: UNKNOWN,
      503: UNAVAILABLE,
    },
  },
  {
    method: 'get',
    paths: ['/api/packages_image'],
    id: 'getSeedPackages',
    tag: 'seed',
    summary: 'Packages that a device has by default',
    query: {
      distro: DISTRO,
      version: VERSION,
      target: word('ath79/generic', 'A target.'),
      subtarget: SUBTARGET,
      profile: word('tplink_tl-wdr4300-v1', 'A device.'),
    },
    answers: {
      200: {
        ...list('SeedPackageNames', 'A list; where the query has a `subtarget`, an object with that list in it.'),
        shapes: ['SeedPackageNames', 'SeedPackages'],
      },
      304: UNCHANGED,
      400: MISSING,
      412: UNKNOWN,
      503: UNAVAILABLE,
    },
  },
  statistics(
    'popular_packages',
    'getSeedPopularPackages',
    'Packages that are asked for most',
    'SeedPopularPackages',
    'At most 50. Names that hardly anybody asks for are left out.',
  ),
  statistics(
    'popular_targets',
    'getSeedPopularTargets',
    'Targets that are asked for most',
    'SeedPopularTargets',
    'At most 50.',
  ),
  statistics('images', 'getSeedImageNumbers', 'How many images there are', 'SeedImageNumbers', 'Public ones.'),
  statistics('image_stats', 'getSeedImageStats', 'The same, as of 2019', 'SeedImageStats', 'Public ones.'),
  statistics('images_latest', 'getSeedLatestImages', 'The last images', 'SeedLatestImages', 'At most 50, public ones.'),
  statistics(
    'fails_latest',
    'getSeedLatestFailures',
    'The last builds that failed',
    'SeedLatestFailures',
    'At most 50, public ones.',
  ),
  {
    method: 'get',
    paths: ['/api/v1/stats/packages'],
    id: 'getSeedPackageCount',
    tag: 'seed',
    summary: 'How many packages there are',
    answers: {
      200: list('SeedPackageCount', 'Of the latest version, for the architecture of most of its targets.'),
      304: UNCHANGED,
      503: UNAVAILABLE,
    },
  },
];
