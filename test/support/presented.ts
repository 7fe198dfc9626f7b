import type { Presented } from '../../src/identity/principal.ts';

/** A request for anything, by this `Authorization`. */
export const presentedBy = (authorization: string): Presented => ({
  headers: { authorization },
  ip: '192.0.2.1',
  method: 'GET',
  path: '/',
  isSecure: false,
});
