import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { EdgeRouter } from './router.ts';

const textOf = async (hono: Hono, path: string, method = 'GET') =>
  (await (await hono.request(path, { method })).text()) || 'nothing';

describe('a router', () => {
  const hono = new Hono({ router: new EdgeRouter() })
    .use('/guarded/*', async (c, next) => (c.req.query('key') ? await next() : c.text('guard')))
    .get('/guarded/:name', (c) => c.text(`guarded ${c.req.param('name')}`))
    .all('/guarded/:name', (c) => c.text('not allowed'))
    .get('/fixed', (c) => c.text('fixed'))
    .all('/fixed', (c) => c.text('not allowed'))
    .get('/files/*', async (c, next) => (c.req.path.endsWith('/mine') ? c.text('mine') : await next()))
    .get('/files/:name', (c) => c.text(`yours ${c.req.param('name')}`))
    .notFound((c) => c.text('no such page'));

  it.each([
    ['GET', '/fixed', 'fixed'],
    ['POST', '/fixed', 'not allowed'],
    ['DELETE', '/fixed', 'not allowed'],
    ['GET', '/guarded/a', 'guard'],
    ['GET', '/guarded/a?key=1', 'guarded a'],
    ['PUT', '/guarded/a?key=1', 'not allowed'],
    ['GET', '/files/mine', 'mine'],
    ['GET', '/files/other', 'yours other'],
    ['GET', '/files/other/deeper', 'no such page'],
    ['GET', '/', 'no such page'],
  ])('%s %s: %s', async (method, path, text) => {
    expect(await textOf(hono, path, method)).toBe(text);
  });

  it('tells nobody behind the first who always answers', () => {
    const [handlers] = hono.router.match('GET', '/guarded/a');
    expect(handlers.map(([[handler]]) => handler.length)).toEqual([2, 1]);
  });

  it('refuses a word beside a parameter, which would make every request slower', () => {
    const both = new Hono({ router: new EdgeRouter() }).get('/nodes/:id', (c) => c.text('one'));
    expect(() => both.get('/nodes/callable', (c) => c.text('two'))).toThrow('/nodes/callable');
  });
});
