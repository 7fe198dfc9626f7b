import type { ReadingStore } from '../../audit/changing.ts';
import { invalid, notFound } from '../../errors.ts';
import { principalOf } from '../../identity/accounts.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { CHILD_KINDS, type ChildKind } from '../../mlflow/table/row.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import { administersWorkspace, type Decision, mayDoEverything } from '../../policy/decide.ts';
import { ACTIONS, type Explanation, explain, type Source } from '../../policy/explain.ts';
import { isRootKind } from '../../policy/grantable.ts';
import type { Action, Permission } from '../../policy/permissions.ts';
import { ALL, ROOT_KINDS, type Root, type RootKind } from '../../policy/resources.ts';
import type { Reply } from '../../reply.ts';
import { ofExplanations } from '../contract/explanations.ts';
import { type Holder, holdersOf } from '../deeds/holders.ts';
import { type ListUsersTo, seesEverybody } from '../deeds/neighbours.ts';
import { type Call, callerOf } from '../handler.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { existingUser, filtersOf } from './parameters.ts';

/** What decides about requests, to be asked about anybody. */
export interface Deciding {
  /** Decides on a thing; what it belongs to is looked up. */
  on(
    caller: SignedIn,
    reference: { readonly kind: RootKind | ChildKind; readonly id: string; readonly action: Action },
  ): Promise<Decision> | Decision;
  /** Decides on a root at once. */
  onRoot(caller: SignedIn, action: Action, root: Root): Decision;
  /** All ids of a kind that a user may read, in so far as grants name them one by one; undefined if others may be. */
  readable(caller: SignedIn, kind: 'experiment' | 'registered_model'): readonly string[] | undefined;
  /** Whether a name of the model registry is a prompt's. */
  isPrompt(name: string): Promise<boolean>;
}

export interface ExplainParts {
  readonly store: Pick<ReadingStore, 'account' | 'users' | 'grants'>;
  readonly deciding: Deciding;
  readonly defaultPermission: Permission;
  readonly listUsersTo: ListUsersTo;
}

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);
const isChildKind = (type: string): type is ChildKind => CHILDREN.has(type);

/** Who may do what, and why: the very decisions that requests get, asked for and told. */
export function explainHandlers({ store, deciding, defaultPermission, listUsersTo }: ExplainParts) {
  return {
    async 'permissions.explain'(call: Call): Promise<Reply> {
      const { username, ...asked } = filtersOf(call, ofExplanations['permissions.explain'].query);
      const thing = thingIn(asked.resource_type, asked.resource_id);
      const caller = callerOf(call);
      const { isActive } = await existingUser(store.users, username);
      // About oneself with the very credential, whose scope may allow less.
      const account = await store.account(username);
      const subject = username === caller.username || account === undefined ? caller : principalOf(account);
      const explained = isActive ? await explainFor(subject, thing) : DISABLED;
      if (!mayMeet(caller)(username, explained)) {
        throw notFound(`User with username=${username} not found`);
      }
      return { body: explanationJson(told(explained, thing.kind, caller)) };
    },

    async 'permissions.holders'(call: Call): Promise<Reply> {
      const asked = filtersOf(call, ofExplanations['permissions.holders'].query);
      const page = pageAskedIn(call, 'string');
      const root = await rootIn(asked.resource_type, asked.resource_id);
      const after = page.after?.[0];
      const holders = await holdersOf({ store, deciding, defaultPermission }, root, {
        limit: page.max + 1,
        after: after === undefined ? undefined : String(after),
        shows: mayMeet(callerOf(call)),
      });
      const { shown, next } = pageOf(holders, page, ({ username }) => [username]);
      const mayName = nameableBy(callerOf(call));
      return {
        body: {
          holders: shown.map((holder) => holderJson(holder, mayName)),
          ...next,
        },
      };
    },
  };

  /** Where not everybody is listed, users who hold nothing by a grant are not told to callers who are no admins. */
  function mayMeet(caller: SignedIn): (username: string, explained: Explanation) => boolean {
    if (seesEverybody(listUsersTo, caller)) {
      return () => true;
    }
    return (username, { sources }) =>
      username === caller.username || sources.some(({ source }) => source === 'user' || source === 'role');
  }

  async function explainFor(subject: SignedIn, thing: Thing): Promise<Explanation> {
    if (mayDoEverything(subject)) {
      return explain(
        ACTIONS.map(() => EVERYTHING),
        defaultPermission,
      );
    }
    const decisions = await Promise.all(ACTIONS.map((action) => deciding.on(subject, { ...thing, action })));
    return explain(decisions, defaultPermission, subject.credential.id);
  }

  async function rootIn(type: string, id: string): Promise<Root> {
    const { kind } = thingIn(type, id);
    if (!isRootKind(kind)) {
      throw invalid(
        `A ${kind.replaceAll('_', ' ')} is held by those who hold what it is in. Ask about that.`,
      );
    }
    const inRegistry = kind === 'registered_model' || kind === 'prompt';
    return inRegistry && id !== ALL ? { kind, id, isPrompt: await deciding.isPrompt(id) } : { kind, id };
  }
}

const EVERYTHING: Decision = { allow: true, because: 'admin', from: 'admin' };
const DISABLED: Explanation = {
  permission: 'NO_PERMISSIONS',
  actions: [],
  because: 'the user is disabled',
  sources: [],
};

interface Thing {
  readonly kind: RootKind | ChildKind;
  readonly id: string;
}

/**
 * Reads what is asked about.
 *
 * @throws ApiError 400 for what can be no thing.
 */
export function thingIn(type: string, id: string): Thing {
  if (!isRootKind(type) && !isChildKind(type)) {
    throw invalid(
      `Invalid resource type '${type}'. Valid resource types are: ${[...ROOT_KINDS, ...CHILD_KINDS].sort().join(', ')}`,
    );
  }
  const isAll = id === ALL && isRootKind(type);
  if (!isAll && !isCanonical(type, id, isRootKind(type))) {
    throw invalid(`Parameter 'resource_id' is not a valid ${type.replaceAll('_', ' ')} id.`);
  }
  return { kind: type, id };
}

/**
 * What one caller may be told. What is inside something that they may not see is told from nothing by no word: neither
 * where it lies nor that it is there.
 */
function told(explained: Explanation, kind: string, caller: SignedIn): Explanation {
  const named = withoutNames(explained, nameableBy(caller));
  const isHidden = explained.actions.length === 0 && !isRootKind(kind) && !mayDoEverything(caller);
  return isHidden
    ? { ...named, because: 'nothing that is granted opens it, or it is not there', sources: [] }
    : named;
}

/** Tells the roles that a caller may know of: their own, and to those who administer the workspace all. */
function nameableBy(caller: SignedIn): (role: string) => boolean {
  if (mayDoEverything(caller) || administersWorkspace(caller)) {
    return () => true;
  }
  const own = new Set(
    ROOT_KINDS.flatMap((kind) => caller.grantsOfKind(kind)).flatMap(({ via }) =>
      via === 'user' ? [] : [via.role],
    ),
  );
  return (role) => own.has(role);
}

function withoutNames(explained: Explanation, mayName: (role: string) => boolean): Explanation {
  const hidden = explained.sources.filter(
    ({ source, name }) => source === 'role' && name !== undefined && !mayName(name),
  );
  if (hidden.length === 0) {
    return explained;
  }
  return {
    ...explained,
    because: hidden.reduce(
      (words, { name }) => words.replaceAll(`role ${name} `, 'a role '),
      explained.because,
    ),
    sources: explained.sources.map((each) => (hidden.includes(each) ? { ...each, name: undefined } : each)),
  };
}

function holderJson({ username, explained, own }: Holder, mayName: (role: string) => boolean) {
  const { permission, because, sources } = withoutNames(explained, mayName);
  const ownGrant = own && { resource_type: own.resourceType, permission: own.permission };
  return { username, permission, because, sources: sources.map(sourceJson), own_grant: ownGrant ?? null };
}

export function explanationJson({ permission, actions, because, sources }: Explanation) {
  return { permission, actions, because, sources: sources.map(sourceJson) };
}

export function sourceJson({ source, name, resourceType, resourcePattern, permission }: Source) {
  return {
    source,
    name: name ?? null,
    ...(resourceType !== undefined && { resource_type: resourceType }),
    resource_pattern: resourcePattern,
    permission,
  };
}
