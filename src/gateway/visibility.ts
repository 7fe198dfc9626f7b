import type { SignedIn } from '../identity/principal.ts';
import { allows, refuses } from '../policy/permissions.ts';
import type { RootKind } from '../policy/resources.ts';
import type { Judge } from './authorize.ts';
import type { Visibility } from './search.ts';

/** What one caller may read of a kind, for filtering a list without a look-up for each row. */
export function visibilityOf(judge: Judge, caller: SignedIn, kind: RootKind): Visibility {
  const mayRead = (id: string) => judge.onRoot(caller, 'read', { kind, id }).allow;
  if (caller.isAdmin) return { mayRead, only: undefined, everything: true };
  const grants = caller.grantsOfKind(kind);
  const general = grants.filter(({ resourcePattern }) => resourcePattern === '*');
  const refused = grants.some(({ permission }) => refuses(permission));
  const allByDefault =
    allows(judge.defaultPermission, 'read') || general.some(({ permission }) => allows(permission, 'read'));
  if (general.some(({ permission }) => refuses(permission))) return { mayRead, only: [], everything: false };
  if (allByDefault) return { mayRead, only: undefined, everything: !refused };
  const only = new Set(grants.map(({ resourcePattern }) => resourcePattern).filter(mayRead));
  return { mayRead, only: [...only], everything: false };
}
