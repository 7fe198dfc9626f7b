import type { Passwords } from '../identity/password.ts';
import type { Permission } from '../policy/permissions.ts';
import type { Store } from '../store/index.ts';
import { grantHandlers } from './grants.ts';
import type { Handlers } from './handler.ts';
import { healthHandlers } from './health.ts';
import { permissionHandlers } from './permissions.ts';
import { roleHandlers } from './roles.ts';
import { signupHandlers } from './signup.ts';
import { type MlflowVersion, userHandlers } from './users.ts';

export { type Handlers, Page } from './handler.ts';

/** Every operation that the gateway serves itself, under the names that the table uses. */
export function createHandlers(
  store: Store,
  passwords: Passwords,
  defaultPermission: Permission,
  mlflowVersion: MlflowVersion,
): Handlers {
  return {
    ...healthHandlers,
    ...userHandlers(store, passwords, mlflowVersion),
    ...permissionHandlers(store),
    ...grantHandlers(store, defaultPermission),
    ...roleHandlers(store),
    ...signupHandlers(store, passwords),
  };
}
