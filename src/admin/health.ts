import type { Handlers } from './handler.ts';

/** `GET /health`: the gateway itself is up; MLflow's own body. */
export const healthHandlers: Handlers = { health: () => 'OK' };
