/**
 * The Cap'n Proto configuration of one workerd that runs the edge, the hello beside it and the bench's control: the edge as
 * those run it who host it themselves, with KV and Durable Objects in SQLite on the local disk and an S3 store for images.
 * One process, because two would get different shares of a busy machine and their ratio would mean nothing.
 */
export interface WorkerdConfig {
  /** Names of the bundled Workers beside the configuration: an absolute path would be looked for below an import path. */
  readonly bundles: { readonly edge: string; readonly hello: string; readonly control: string };
  readonly directories: { readonly objects: string; readonly blobs: string };
  readonly ports: { readonly edge: number; readonly hello: number; readonly control: number };
  /** The edge's variables; written into the file. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that are taken from the environment, so that no secret lies in a file. */
  readonly secrets: readonly string[];
}

/** As in wrangler.toml. */
export const WORKERD_COMPATIBILITY = 'compatibilityDate = "2026-11-01", compatibilityFlags = ["enable_request_signal"]';

export function workerdConfig(config: WorkerdConfig): string {
  const { bundles, directories, ports } = config;
  const variables = [
    ...Object.entries(config.variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...config.secrets.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "objects", disk = (path = ${text(directories.objects)}, writable = true)),
    (name = "blobs", disk = (path = ${text(directories.blobs)}, writable = true)),
    (name = "kv", worker = .kv),
    (name = "edge", worker = .edge),
    (name = "hello", worker = .hello),
    (name = "control", worker = .control),
  ],
  sockets = [
    (name = "edge", address = "127.0.0.1:${ports.edge}", http = (), service = "edge"),
    (name = "hello", address = "127.0.0.1:${ports.hello}", http = (), service = "hello"),
    (name = "control", address = "127.0.0.1:${ports.control}", http = (), service = "control"),
  ],
);

const kv :Workerd.Worker = (
  modules = [(name = "kv.js", bundled = "/workerd/kv.js")],
  ${WORKERD_COMPATIBILITY},
  durableObjectNamespaces = [(className = "KVNamespace", uniqueKey = "bench-kv", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [
    (name = "SHARD", durableObjectNamespace = "KVNamespace"),
    (name = "BLOBS", service = "blobs"),
  ],
);

const edge :Workerd.Worker = (
  modules = [(name = "edge.js", esModule = embed ${text(bundles.edge)})],
  ${WORKERD_COMPATIBILITY},
  durableObjectNamespaces = [
    (className = "Catalogue", uniqueKey = "bench-catalogue", enableSql = true),
    (className = "Foreman", uniqueKey = "bench-foreman", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [
    (name = "CACHE", kvNamespace = (name = "control", entrypoint = "counted")),
    (name = "CATALOGUE", durableObjectNamespace = "Catalogue"),
    (name = "FOREMAN", durableObjectNamespace = "Foreman"),
    ${variables.join(',\n    ')},
  ],
);

const hello :Workerd.Worker = (
  modules = [(name = "hello.js", esModule = embed ${text(bundles.hello)})],
  ${WORKERD_COMPATIBILITY},
);

const control :Workerd.Worker = (
  modules = [(name = "control.js", esModule = embed ${text(bundles.control)})],
  ${WORKERD_COMPATIBILITY},
  bindings = [
    (name = "KV", kvNamespace = (name = "kv", ${NAMESPACE})),
    (name = "KV_SERVICE", service = (name = "kv", ${NAMESPACE})),
  ],
);
`;
}

const NAMESPACE = String.raw`props = (json = "{\"namespace\": \"asu-cache\"}")`;

/** Cap'n Proto's text format escapes as C does, JSON's escapes among them but for \u, which nothing here needs. */
export function text(value: string): string {
  if (!/^[ -~]*$/.test(value)) throw new Error(`expected printable ASCII for workerd's configuration, got ${value}`);
  return JSON.stringify(value);
}
