/** The Worker: what the platform runs. */
import { app } from './app.ts';

export { Catalogue } from './catalogue/catalogue.ts';
export { Foreman } from './foreman/foreman.ts';

export default { fetch: app.fetch };
