/** The yardstick: the least that a Hono application on this runtime can do. */
import { Hono } from 'hono';

const app = new Hono();
app.get('/', (c) => c.text('hello'));
app.post('/', (c) => c.text('hello'));

export default app;
