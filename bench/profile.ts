/** One processor profile of the edge under one case, through workerd's inspector (Chrome's DevTools protocol). */
import { writeFile } from 'node:fs/promises';

interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl: string;
}

/** Profiles the service `name` while `work` runs, and writes what Chrome's DevTools open. */
export async function profile(port: number, name: string, file: string, work: () => Promise<unknown>): Promise<void> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly Target[];
  const target = targets.find(({ id, webSocketDebuggerUrl }) => `${id} ${webSocketDebuggerUrl}`.includes(name));
  if (!target) throw new Error(`expected ${name} among workerd's inspector targets, got ${JSON.stringify(targets)}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const waiting = new Map<number, (result: { profile?: unknown }) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: { profile?: unknown } };
    if (id !== undefined) waiting.get(id)?.(result ?? {});
  });
  let lastId = 0;
  const send = (method: string, params: object = {}) =>
    new Promise<{ profile?: unknown }>((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  try {
    await send('Profiler.enable');
    await send('Profiler.setSamplingInterval', { interval: 200 });
    await send('Profiler.start');
    await work();
    const { profile: recorded } = await send('Profiler.stop');
    await writeFile(file, JSON.stringify(recorded));
  } finally {
    socket.close();
  }
}
