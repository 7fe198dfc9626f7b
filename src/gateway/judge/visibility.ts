import type { SignedIn } from '../../identity/principal.ts';
import { hasPromptTag } from '../../mlflow/things/identifiers.ts';
import { administersWorkspace, decideOnKind, mayDoEverything } from '../../policy/decide.ts';
import { allows, refuses } from '../../policy/permissions.ts';
import { ALL, type Root, type RootKind, versionKind } from '../../policy/resources.ts';
import type { Judge } from './judge.ts';

/** What a search may show to one caller. */
export interface Visibility {
  /** Whether a row with this id may be shown. */
  readonly mayRead: (id: string, row?: Readonly<Record<string, unknown>>) => boolean;
  /** All ids that may be shown, if they can be listed at all. */
  readonly only: readonly string[] | undefined;
  /** Nothing would be taken out of any page. */
  readonly everything: boolean;
}

/** What one caller may read of a kind, for filtering a list without a look-up for each row. */
export function visibilityOf(judge: Judge, caller: SignedIn, kind: RootKind, ofVersions = false): Visibility {
  const visibility = ofRoots(judge, caller, kind);
  const denied = (isPrompt: boolean) => !decideOnKind(caller, versionKind(isPrompt)).allow;
  if (!ofVersions || !(denied(true) || denied(false))) {
    return visibility;
  }
  return {
    ...visibility,
    mayRead: (id, row) => visibility.mayRead(id, row) && !(row !== undefined && denied(hasPromptTag(row))),
    everything: false,
  };
}

function ofRoots(judge: Judge, caller: SignedIn, kind: RootKind): Visibility {
  const inRegistry = kind === 'registered_model';
  const mayRead: Visibility['mayRead'] = (id, row) => {
    const isPrompt = inRegistry && row !== undefined ? { isPrompt: hasPromptTag(row) } : {};
    return judge.onRoot(caller, 'read', { kind, id, ...isPrompt }).allow;
  };
  if (caller.ceiling?.resources !== undefined) {
    return inScope(caller.ceiling.resources, kind, mayRead);
  }
  if (mayDoEverything(caller) || administersWorkspace(caller)) {
    return { mayRead, only: undefined, everything: true };
  }
  // The registry's lists hold models and prompts.
  const kinds: readonly RootKind[] = inRegistry ? ['registered_model', 'prompt'] : [kind];
  const grants = kinds.flatMap((each) => caller.grantsOfKind(each));
  const refused = grants.some(({ permission }) => refuses(permission));
  const onAll = kinds.map((each) =>
    grants.filter(({ resourceType, resourcePattern }) => resourceType === each && resourcePattern === ALL),
  );
  if (onAll.every((general) => general.some(({ permission }) => refuses(permission)))) {
    return { mayRead, only: [], everything: false };
  }
  const byDefault = allows(judge.defaultPermission, 'read');
  const opensAll = onAll.map((general) => general.some(({ permission }) => allows(permission, 'read')));
  if (byDefault || opensAll.every((opens) => opens)) {
    return { mayRead, only: undefined, everything: !refused };
  }
  // A grant on all models says nothing of a name whose row has not been seen: each row is looked at.
  if (inRegistry && onAll.some((general) => general.length > 0)) {
    return { mayRead, only: undefined, everything: false };
  }
  const only = new Set(grants.map(({ resourcePattern }) => resourcePattern).filter((id) => mayRead(id)));
  return { mayRead, only: [...only], everything: false };
}

/** What a credential that is confined to some roots shows of a kind. */
function inScope(resources: readonly Root[], kind: RootKind, mayRead: Visibility['mayRead']): Visibility {
  const kinds: readonly RootKind[] = kind === 'registered_model' ? ['registered_model', 'prompt'] : [kind];
  const held = resources.filter((each) => kinds.includes(each.kind));
  const isWide = held.some(({ id }) => id === ALL) || kind === 'scorer';
  const only = isWide ? undefined : held.map(({ id }) => id).filter((id) => mayRead(id));
  return { mayRead, only, everything: false };
}
