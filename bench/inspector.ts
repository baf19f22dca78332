/** A session with workerd's inspector, about one of its Workers, in the protocol of Chrome's DevTools. */
interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl: string;
}

type Result = Readonly<Record<string, unknown>>;

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Result>>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Result };
      if (id === undefined) return;
      this.#waiting.get(id)?.resolve(result ?? {});
      this.#waiting.delete(id);
    });
    // workerd ends a session when another one about the same Worker begins.
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the inspector ended the session'));
    });
  }

  /** @throws Error where workerd has no Worker of that name, or does not let itself be inspected */
  static async open(port: number, name: string): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly Target[];
    const target = targets.find(({ id, webSocketDebuggerUrl }) => `${id} ${webSocketDebuggerUrl}`.includes(name));
    if (!target) throw new Error(`expected ${name} among workerd's inspector targets, got ${JSON.stringify(targets)}`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  /** What went wrong on the other side is an empty result. @throws Error when the session ends */
  send(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Result>();
    this.#waiting.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  close(): void {
    this.#socket.close();
  }
}

/**
 * What the objects of these Workers take once garbage is collected, in bytes; without that, a number says how long ago it was.
 * What the platform keeps for an object goes with it, so those that others hold are asked last.
 */
export async function liveHeaps<Name extends string>(
  port: number,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const heaps: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const inspector = await Inspector.open(port, name);
    try {
      await inspector.send('HeapProfiler.enable');
      await inspector.send('HeapProfiler.collectGarbage');
      heaps[name] = Number((await inspector.send('Runtime.getHeapUsage')).usedSize);
    } finally {
      inspector.close();
    }
  }
  return heaps as Record<Name, number>;
}
