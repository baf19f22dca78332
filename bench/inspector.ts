/** A session with workerd's inspector, about one of its Workers, in the protocol of Chrome's DevTools. */
interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl: string;
}

type Result = Readonly<Record<string, unknown>>;

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: Result) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Result };
      if (id === undefined) return;
      this.#waiting.get(id)?.(result ?? {});
      this.#waiting.delete(id);
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

  /** What went wrong on the other side is an empty result. */
  send(method: string, params: object = {}): Promise<Result> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}
