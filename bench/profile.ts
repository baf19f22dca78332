/** One processor profile of the edge under one case. */
import { writeFile } from 'node:fs/promises';
import { Inspector } from './inspector.ts';

/** Profiles the service `name` while `work` runs, and writes what Chrome's DevTools open. */
export async function profile(port: number, name: string, file: string, work: () => Promise<unknown>): Promise<void> {
  const inspector = await Inspector.open(port, name);
  try {
    await inspector.send('Profiler.enable');
    await inspector.send('Profiler.setSamplingInterval', { interval: 200 });
    await inspector.send('Profiler.start');
    await work();
    const { profile: recorded } = await inspector.send('Profiler.stop');
    await writeFile(file, JSON.stringify(recorded));
  } finally {
    inspector.close();
  }
}
