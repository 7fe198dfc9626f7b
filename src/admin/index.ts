import type { Passwords } from '../identity/password.ts';
import type { Store } from '../store/index.ts';
import type { Handlers } from './handler.ts';
import { healthHandlers } from './health.ts';
import { permissionHandlers } from './permissions.ts';
import { userHandlers } from './users.ts';

export type { Handlers } from './handler.ts';

/** Every operation that the gateway serves itself, under the names that the table uses. */
export function createHandlers(store: Store, passwords: Passwords): Handlers {
  return { ...healthHandlers, ...userHandlers(store, passwords), ...permissionHandlers(store) };
}
