/**
 * The peer: what Node answers without any framework, in a process of its own. Its port is the one argument. A body is read to its
 * end, as a server must before the connection can be used again.
 */
import http from 'node:http';

http
  .createServer((request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'text/plain').end('hello'));
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
