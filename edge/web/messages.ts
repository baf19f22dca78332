/**
 * Every text that a reader of the page sees, so that it can be translated by writing one more file like it. What the server says
 * (a failure's `detail`, titles of devices, names of packages) is data and shown as it is.
 */
export const MESSAGES = {
  shell: {
    title: 'Attended Sysupgrade',
    skip: 'Skip to the content',
    views: 'Views',
    build: 'Build an image',
    check: 'Check for upgrades',
    status: 'Status',
    lend: 'Lend a machine',
    api: 'API',
    loading: 'Loading …',
    broken: 'This part of the page could not be loaded. Reload to try again.',
    unknown: 'There is no such page.',
    home: 'Build an image',
  },
  server: {
    unreachable: 'The server does not answer. It is asked again as soon as it can be reached.',
    refused: (status: number): string => `The server answered with an error (${status}).`,
    strange: 'Something other than this server answered. Are you behind a login page of a network?',
  },
} as const;
