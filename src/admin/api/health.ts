import type { Reply } from '../../reply.ts';

/** `GET /health`: the gateway itself is up; MLflow's own body. */
export const healthHandlers = { health: (): Reply => ({ body: 'OK' }) };
