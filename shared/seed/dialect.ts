/**
 * The two ways in which routers of 2018 and 2019 write a target, and with it everything else: `split` names target and
 * subtarget apart and is answered with whole URLs, `joined` writes `ar71xx/generic` and is answered with names below the server.
 */
export type Dialect = 'split' | 'joined';
