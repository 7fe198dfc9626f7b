import { type Ceiling, cutBy } from './ceiling.ts';
import { type Grant, isAdministration } from './grant.ts';
import { type Action, allows, PERMISSION_FOR, type Permission, refuses, stronger } from './permissions.ts';
import { ALL, type InnerKind, type PartKind, type Resource, type Root, rootAround } from './resources.ts';

/**
 * What a decision was made from: every grant that was looked at; `default` where there was none, `admin` where none was
 * needed, `scope` where the credential may do less than its user.
 */
export type Grounds = 'admin' | 'default' | 'scope' | readonly Grant[];

/** The outcome, with the reason that audit log and `explain` show. */
export interface Decision {
  readonly allow: boolean;
  readonly because: string;
  /** Left out where no policy was asked: the thing is the caller's own, or there is no such thing. */
  readonly from?: Grounds;
}

/** What one caller holds on one root, and why. */
export interface Holding {
  readonly permission: Permission;
  readonly because: string;
  readonly from: Grounds;
}

/** A caller who has signed in, reduced to what a decision looks at. */
export interface Subject {
  readonly isAdmin: boolean;
  /** The most that the caller's credential may do; undefined for all that its user may. */
  readonly ceiling: Ceiling | undefined;
  /** Grants on exactly this resource and on all of its kind (`*`). */
  grantsOn(resource: Resource): readonly Grant[];
  /** The workspaces that the caller sees, by name; none if left out. */
  readonly workspaces?: { has(name: string): boolean };
}

/** Whether a caller may do everything: an admin whose credential has no ceiling. */
export function mayDoEverything({ isAdmin, ceiling }: Subject): boolean {
  return isAdmin && ceiling === undefined;
}

const ADMIN: Decision = { allow: true, because: 'admin', from: 'admin' };

/**
 * The effective permission: any refusal among the grants takes everything away; else the highest of
 * the user's own grants and those of its roles; else the server's default.
 */
export function effectivePermission(grants: readonly Grant[], defaultPermission: Permission): Holding {
  let best: Grant | undefined;
  for (const grant of grants) {
    if (refuses(grant.permission)) {
      return {
        permission: grant.permission,
        because: `${source(grant)} holds ${grant.permission}`,
        from: grants,
      };
    }
    if (best === undefined || stronger(best.permission, grant.permission) !== best.permission) {
      best = grant;
    }
  }
  if (best === undefined) {
    return {
      permission: defaultPermission,
      because: `no grant; default_permission is ${defaultPermission}`,
      from: 'default',
    };
  }
  return { permission: best.permission, because: `${source(best)} holds ${best.permission}`, from: grants };
}

const THE_WORKSPACE: Root = { kind: 'workspace', id: ALL };

/**
 * What a user who is no admin holds on a root, by everything that bears on it.
 *
 * MANAGE on the workspace is MANAGE on all that is in it, and no refusal counts against it, as in MLflow
 * (mlflow/server/auth/__init__.py, `resolve_permissions`).
 */
export function holdingOf(subject: Subject, root: Root, defaultPermission: Permission): Holding {
  const administers = administration(subject);
  if (administers !== undefined) {
    return {
      permission: 'MANAGE',
      because: `${source(administers)} manages the workspace`,
      from: [administers],
    };
  }
  const [held, alternative] = readingsOf(root).map((reading) =>
    effectivePermission(grantsBearingOn(subject, reading), defaultPermission),
  );
  if (held === undefined) {
    throw new Error('a root has no reading');
  }
  if (alternative === undefined || refuses(held.permission)) {
    return held;
  }
  return stronger(held.permission, alternative.permission) === held.permission ? alternative : held;
}

/** The grant by which a user administers the workspace that everything lies in. */
function administration(subject: Subject): Grant | undefined {
  return subject.grantsOn(THE_WORKSPACE).find(isAdministration);
}

/**
 * The roots that an id may stand for. A name of the model registry is a model's or a prompt's; while it is not
 * known which, the weaker of the two holdings counts, so that all models do not open the prompts.
 */
function readingsOf(root: Root): readonly Root[] {
  if (root.kind !== 'registered_model' && root.kind !== 'prompt') {
    return [root];
  }
  const { id, isPrompt } = root;
  const model: Root = { kind: 'registered_model', id };
  const prompt: Root = { kind: 'prompt', id };
  if (isPrompt === undefined) {
    return [model, prompt];
  }
  return [isPrompt ? prompt : model];
}

/** Grants on the root itself, on all of its kind, and on what it shares its grants with. */
function grantsBearingOn(subject: Subject, root: Root): readonly Grant[] {
  const own = subject.grantsOn(root);
  switch (root.kind) {
    case 'registered_model':
    case 'prompt': {
      // A name is a model's or a prompt's, never both: a grant on the name means what has the name.
      const other = root.kind === 'prompt' ? 'registered_model' : 'prompt';
      const named = subject.grantsOn({ kind: other, id: root.id }).filter(isExact);
      return named.length === 0 ? own : [...own, ...named];
    }
    default: {
      // A caller who may work in a root may work with what lies in it; a grant on that itself adds to it.
      const around = rootAround(root);
      return around === undefined ? own : [...own, ...subject.grantsOn(around)];
    }
  }
}

const isExact = ({ resourcePattern }: Grant): boolean => resourcePattern !== ALL;

/** Says what is missing. */
const needs = (action: Action, kind: string, id: string, why: string): string =>
  `needs ${PERMISSION_FOR[action]} on ${kind} ${id}; ${why}`;

/** What is missing. */
export interface Need {
  readonly permission: Permission;
  readonly type: string;
  readonly id: string;
}

/**
 * Reads what was missing out of the reason of a refusal; undefined if it was nothing that is granted.
 *
 * @param touched - what the request touched: names may hold whatever stands between the parts of a reason.
 */
export function readNeed(
  because: string,
  touched: readonly { readonly type: string; readonly id: string }[],
): Need | undefined {
  const [, name = '', part] = /^needs ([A-Z]+) on (?:([a-z_]+) \*; )?/.exec(because) ?? [];
  const permission = Object.values(PERMISSION_FOR).find((each) => each === name);
  if (permission === undefined) {
    return undefined;
  }
  const thing = touched.find(({ type, id }) => because.startsWith(`needs ${permission} on ${type} ${id}; `));
  if (thing !== undefined) {
    return { permission, type: thing.type, id: thing.id };
  }
  return part === undefined ? undefined : { permission, type: part, id: ALL };
}

/** Decides one action on one root. Pure: no I/O, no clock. */
export function decide(
  subject: Subject,
  action: Action,
  root: Root,
  defaultPermission: Permission,
): Decision {
  const cut = subject.ceiling && cutBy(subject.ceiling, action, root);
  if (cut !== undefined) {
    return {
      allow: false,
      because: needs(action, root.kind, root.id, cut),
      from: 'scope',
    };
  }
  if (mayDoEverything(subject)) {
    return ADMIN;
  }
  if (root.kind === 'workspace' && root.id !== ALL) {
    return decideOnWorkspace(subject, action, root);
  }
  const held = holdingOf(subject, root, defaultPermission);
  return allows(held.permission, action)
    ? { allow: true, because: held.because, from: held.from }
    : {
        allow: false,
        because: needs(action, root.kind, root.id, held.because),
        from: held.from,
      };
}

/**
 * Decides about a workspace itself: whoever has a role in it, or was granted it by name, sees it, and only an admin may
 * change it. A role that administers one says nothing of the others.
 */
function decideOnWorkspace(subject: Subject, action: Action, root: Root): Decision {
  const { kind, id } = root;
  const named = subject.grantsOn(root).filter(isExact);
  const isSeen =
    !named.some(({ permission }) => refuses(permission)) &&
    (named.length > 0 || subject.workspaces?.has(id) === true);
  return isSeen && allows('READ', action)
    ? { allow: true, because: `has a role in workspace ${id}` }
    : {
        allow: false,
        because: needs(action, kind, id, isSeen ? 'only an admin may change it' : 'no role in it'),
      };
}

/**
 * Whether a caller may make something new in the workspace that they are in: with USE on it, or where everybody is let in
 * by default, with a default that is as much.
 *
 * @see mlflow/server/auth/__init__.py (`_can_create_in_workspace`)
 */
export function decideOnMaking(subject: Subject, defaultPermission: Permission): Decision {
  const held = subject.grantsOn(THE_WORKSPACE);
  const by = held.find(({ permission }) => allows(permission, 'use'));
  if (mayDoEverything(subject)) {
    return ADMIN;
  }
  if (by !== undefined) {
    return { allow: true, because: `${source(by)} holds ${by.permission}`, from: [by] };
  }
  if (held.length === 0 && allows(defaultPermission, 'use')) {
    return {
      allow: true,
      because: `no grant; default_permission is ${defaultPermission}`,
      from: 'default',
    };
  }
  return {
    allow: false,
    because: needs('use', THE_WORKSPACE.kind, ALL, 'no role gives it'),
    from: held.length === 0 ? 'default' : held,
  };
}

/**
 * Decides one action on a thing inside a root: a caller who may not read the root may do nothing; else grants on
 * all things of that kind decide, if there are any, and the grants on the root if there are none.
 *
 * @param tierAction - what the grants on all of the kind must allow, where that is more than what the root must.
 * @see mlflow/server/auth/requirements.py, whose tiers these are
 */
export function decideOnPart(
  subject: Subject,
  action: Action,
  part: InnerKind,
  root: Root,
  defaultPermission: Permission,
  tierAction: Action = action,
): Decision {
  const onRoot = (what: Action) => decide(subject, what, root, defaultPermission);
  const tier = subject.grantsOn({ kind: part, id: ALL });
  if (mayDoEverything(subject) || tier.length === 0 || administration(subject) !== undefined) {
    return onRoot(action);
  }
  const cut = subject.ceiling && cutBy(subject.ceiling, action, root);
  if (cut !== undefined) {
    return { allow: false, because: needs(action, part, ALL, cut), from: 'scope' };
  }
  const around = onRoot('read');
  if (!around.allow) {
    return around;
  }
  const held = effectivePermission(tier, defaultPermission);
  return allows(held.permission, tierAction)
    ? { allow: true, because: held.because, from: held.from }
    : {
        allow: false,
        because: needs(tierAction, part, ALL, held.because),
        from: held.from,
      };
}

/**
 * Decides whether things of a kind may be made or listed as far as their kind goes: DENY on all of them takes that
 * away, nothing else bears on it.
 */
export function decideOnKind(subject: Subject, part: PartKind): Decision {
  const refusal = subject.grantsOn({ kind: part, id: ALL }).find(({ permission }) => refuses(permission));
  if (mayDoEverything(subject) || refusal === undefined || administration(subject) !== undefined) {
    return { allow: true, because: `nothing refuses ${part} *` };
  }
  return { allow: false, because: `${source(refusal)} holds ${refusal.permission} on ${part} *` };
}

function source(grant: Grant): string {
  const who = grant.via === 'user' ? 'user' : `role ${grant.via.role}`;
  return grant.resourcePattern === '*' ? `${who} (all of the kind)` : who;
}

/** Whether a caller administers the workspace that everything lies in. */
export function administersWorkspace(subject: Subject): boolean {
  return administration(subject) !== undefined;
}
