/** What a build came to, as a liar says it. */
import { build as honestBuild } from '../../farm/build/build.ts';
import type { BuildEvent } from '../../farm/build-event.ts';
import { lie } from './lies.ts';

export async function* build(...of: Parameters<typeof honestBuild>): AsyncIterable<BuildEvent> {
  for await (const event of honestBuild(...of)) yield event.type === 'succeeded' ? await lie.outcome(event) : event;
}
