/** What a build came to, as a liar says it. */
import type { BuildEvent } from '../../farm/agent/build-event.ts';
import { build as honestBuild } from '../../farm/build/build.ts';
import { lie } from './lies.ts';

export async function* build(...of: Parameters<typeof honestBuild>): AsyncIterable<BuildEvent> {
  for await (const event of honestBuild(...of)) yield event.type === 'succeeded' ? await lie.outcome(event) : event;
}
