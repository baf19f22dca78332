/**
 * The Cap'n Proto configuration of one workerd: its Workers, each on an address of its own, and beside them a KV and Durable Objects in
 * SQLite on the local disk. For those who host the edge themselves, and for the bench, which measures what they have.
 */
export interface WorkerdDirectories {
  readonly objects: string;
  readonly blobs: string;
  /** What a Worker may read as its ASSETS; absent: none has any. */
  readonly assets?: string;
}

export interface ConfiguredWorker {
  /** Of letters alone. */
  readonly name: string;
  /** `host:port` on which it listens. */
  readonly address: string;
  /** Name of the bundle beside the configuration: an absolute path would be looked for below an import path. */
  readonly bundle: string;
  /** Has it the edge's Durable Objects, and the bindings of them? */
  readonly hasObjects: boolean;
  /** As `variable`, `secret` and `service` write them. */
  readonly bindings: readonly string[];
}

/** As in wrangler.toml. */
const COMPATIBILITY = 'compatibilityDate = "2026-11-01", compatibilityFlags = ["enable_request_signal"]';
const OBJECTS = ['Catalogue', 'Foreman'] as const;

/** By the assets' directory, which must be given. */
export const ASSETS = '(name = "ASSETS", service = "assets")';

/** Where the KV is: `(name = "kv", …)`. */
export const KV_SERVICE = String.raw`(name = "kv", props = (json = "{\"namespace\": \"asu-cache\"}"))`;

export const variable = (name: string, value: string): string => `(name = ${text(name)}, text = ${text(value)})`;

/** Taken from the environment, so that no secret lies in a file. */
export const secret = (name: string): string => `(name = ${text(name)}, fromEnvironment = ${text(name)})`;

export const variables = (all: Readonly<Record<string, string>>): string[] =>
  Object.entries(all).map(([name, value]) => variable(name, value));

export function workerdConfig(directories: WorkerdDirectories, workers: readonly ConfiguredWorker[]): string {
  const services = workers.map(({ name }) => `(name = "${name}", worker = .${name}),`);
  const sockets = workers.map(
    ({ name, address }) => `(name = "${name}", address = ${text(address)}, http = (), service = "${name}"),`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "objects", disk = (path = ${text(directories.objects)}, writable = true)),
    (name = "blobs", disk = (path = ${text(directories.blobs)}, writable = true)),
    (name = "kv", worker = .kv),${
      directories.assets === undefined ? '' : `\n    (name = "assets", disk = (path = ${text(directories.assets)})),`
    }
    ${services.join('\n    ')}
  ],
  sockets = [
    ${sockets.join('\n    ')}
  ],
);

const kv :Workerd.Worker = (
  modules = [(name = "kv.js", bundled = "/workerd/kv.js")],
  ${COMPATIBILITY},
  durableObjectNamespaces = [(className = "KVNamespace", uniqueKey = "asu-kv", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [
    (name = "SHARD", durableObjectNamespace = "KVNamespace"),
    (name = "BLOBS", service = "blobs"),
  ],
);
${workers.map(workerText).join('')}`;
}

/** The unique keys name the files in which the objects are kept: another one would forget every build. */
function workerText({ name, bundle, hasObjects, bindings }: ConfiguredWorker): string {
  const namespaces = OBJECTS.map(
    (object) => `(className = "${object}", uniqueKey = "asu-${object.toLowerCase()}", enableSql = true)`,
  );
  const ofObjects = OBJECTS.map((object) => `(name = "${object.toUpperCase()}", durableObjectNamespace = "${object}")`);
  return `
const ${name} :Workerd.Worker = (
  modules = [(name = "${name}.js", esModule = embed ${text(bundle)})],
  ${COMPATIBILITY},
  durableObjectNamespaces = [${hasObjects ? namespaces.join(', ') : ''}],
  ${hasObjects ? 'durableObjectStorage = (localDisk = "objects"),' : ''}
  bindings = [
    ${[...(hasObjects ? ofObjects : []), ...bindings].join(',\n    ')}
  ],
);
`;
}

/** Cap'n Proto's text format escapes as C does, JSON's escapes among them but for \u, which nothing here needs. */
function text(value: string): string {
  if (!/^[ -~]*$/.test(value)) throw new Error(`expected printable ASCII for workerd's configuration, got ${value}`);
  return JSON.stringify(value);
}
