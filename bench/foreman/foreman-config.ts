/** The Cap'n Proto configuration of a workerd that runs the Foreman, its catalogue and their KV, and nothing else. */
import { text, WORKERD_COMPATIBILITY } from '../workerd-config.ts';

export interface ForemanConfig {
  /** Name of the bundled Worker beside the configuration. */
  readonly bundle: string;
  readonly directories: { readonly objects: string; readonly blobs: string };
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
}

export function foremanConfig({ bundle, directories, port, variables }: ForemanConfig): string {
  const bindings = Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "objects", disk = (path = ${text(directories.objects)}, writable = true)),
    (name = "blobs", disk = (path = ${text(directories.blobs)}, writable = true)),
    (name = "kv", worker = .kv),
    (name = "foreman", worker = .foreman),
  ],
  sockets = [(name = "foreman", address = "127.0.0.1:${port}", http = (), service = "foreman")],
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

const foreman :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed ${text(bundle)})],
  ${WORKERD_COMPATIBILITY},
  durableObjectNamespaces = [
    (className = "Catalogue", uniqueKey = "bench-catalogue", enableSql = true),
    (className = "Foreman", uniqueKey = "bench-foreman", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [
    (name = "CACHE", kvNamespace = (name = "kv", ${String.raw`props = (json = "{\"namespace\": \"asu-cache\"}")`})),
    (name = "CATALOGUE", durableObjectNamespace = "Catalogue"),
    (name = "FOREMAN", durableObjectNamespace = "Foreman"),
    ${bindings.join(',\n    ')},
  ],
);
`;
}
