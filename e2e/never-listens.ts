/**
 * Loaded before a node (`node --import`): whatever in it listens for other machines dies of it. Loopback, sockets of the file
 * system and those that a build's fence made in its own network namespace stay, for they are no way in.
 */
import { Server } from 'node:net';

const listen = Server.prototype.listen;

Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  const [where, host] = args;
  const isPort = typeof where === 'number' || (typeof where === 'object' && where !== null && 'port' in where);
  if (isPort && host !== '127.0.0.1')
    throw new Error(`nothing may listen here, and something wanted to: ${JSON.stringify(args)}`);
  return Reflect.apply(listen, this, args) as Server;
};
