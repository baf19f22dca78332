/** The yardsticks: the least that a Hono application on this runtime can do, and the least that one does who hands bytes on. */
import { Hono } from 'hono';

const app = new Hono();
app.get('/', (c) => c.text('hello'));
app.post('/', (c) => c.text('hello'));
app.get('/stream', async (c) => {
  const answer = await fetch(c.req.query('from') ?? '');
  return new Response(answer.body, answer);
});

export default app;
