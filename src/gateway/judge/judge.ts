import type { SignedIn } from '../../identity/principal.ts';
import { CHILD_KINDS, type ChildKind, type ReferenceKind } from '../../mlflow/table/row.ts';
import type { ArtifactHomes } from '../../mlflow/things/artifact-homes.ts';
import type { Elsewhere } from '../../mlflow/things/elsewhere.ts';
import { endpointOfGeminiCall } from '../../mlflow/things/identifiers.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import { readPromptUri } from '../../mlflow/things/source.ts';
import { isNamedKind, type StoredName } from '../../mlflow/things/stored-names.ts';
import { type Decision, decide, decideOnMaking, decideOnPart } from '../../policy/decide.ts';
import type { Action, Permission } from '../../policy/permissions.ts';
import {
  type InnerKind,
  PART_KINDS,
  type PartKind,
  ROOT_KINDS,
  type Root,
  type RootKind,
} from '../../policy/resources.ts';
import type { Judgement, Reference } from '../reference.ts';
import { type Judging, judged, refuse } from './judging.ts';
import { createMissing, type Missing } from './missing.ts';
import { onArtifact } from './on-artifact.ts';
import { createOnNamed } from './on-named.ts';
import { onRegistryName } from './on-registry-name.ts';
import { onSource } from './on-source.ts';

/** Answers whether a caller may do something to a thing, looking up what it belongs to. */
export interface Judge {
  /** Decides on a root at once. */
  onRoot(caller: SignedIn, action: Action, root: Root): Decision;
  /** Decides on all things of a kind inside a root at once. */
  onPart(caller: SignedIn, action: Action, part: InnerKind, root: Root): Decision;
  /** Decides whether something new may be made that lies in no other thing. */
  onMaking(caller: SignedIn): Decision;
  /** Decides on a root, or on every root of a child. */
  on(caller: SignedIn, reference: Reference): Promise<Judgement> | Judgement;
  /** What to say of a reference that was refused, where it names nothing. */
  readonly missing: Missing;
  readonly defaultPermission: Permission;
}

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);
const ROOTS: ReadonlySet<string> = new Set(ROOT_KINDS);

const PARTS: ReadonlySet<string> = new Set(PART_KINDS);

const isPart = (kind: string): kind is PartKind => PARTS.has(kind);
const isChild = (kind: string): kind is ChildKind => CHILDREN.has(kind);
const isRoot = (kind: string): kind is RootKind => ROOTS.has(kind);

/** The look-ups that a judge asks, and what a caller without a grant may do. */
export interface JudgeParts {
  readonly lineage: Lineage;
  readonly artifactHomes: ArtifactHomes;
  readonly storedName: StoredName;
  readonly defaultPermission: Permission;
  /** Whether there are experiments at the upstream, or files alone. */
  readonly keepsExperiments: () => boolean;
  /** The workspace that all is looked up in; left out where MLflow has none. */
  readonly workspace?: string;
  /** Whether what is not in it is in another; left out where MLflow has none. */
  readonly isElsewhere?: Elsewhere;
}

/** Joins the look-ups to the policy: fetches without deciding, decides without I/O. */
export function createJudge({ storedName, ...parts }: JudgeParts): Judge {
  const { lineage, defaultPermission } = parts;
  const judging: Judging = {
    ...parts,
    onRoot: (caller, action, root) => decide(caller, action, root, defaultPermission),
    onPart: (caller, action, part, root, tierAction) =>
      decideOnPart(caller, action, part, root, defaultPermission, tierAction),
  };

  const onNamed = createOnNamed(storedName, onThing);

  function on(caller: SignedIn, reference: Reference): Promise<Judgement> | Judgement {
    const { kind } = reference;
    return isNamedKind(kind) ? onNamed(caller, { ...reference, kind }) : onThing(caller, reference);
  }

  function onThing(caller: SignedIn, reference: Reference): Promise<Judgement> | Judgement {
    const { kind, id, part } = reference;
    if (kind === 'registered_model' || kind === 'prompt') {
      return onRegistryName(judging, caller, { ...reference, kind }, part);
    }
    if (isRoot(kind)) {
      const root: Root = { kind, id };
      return judged(root, onRootOrPart(judging, caller, reference, root, part));
    }
    if (isChild(kind)) {
      return onChild(judging, caller, reference, kind);
    }
    return onText(caller, reference, kind);
  }

  /** Decides on what has to be taken apart first. */
  function onText(
    caller: SignedIn,
    reference: Reference,
    kind: Exclude<ReferenceKind, RootKind | ChildKind>,
  ): Promise<Judgement> | Judgement {
    const { id } = reference;
    switch (kind) {
      case 'user':
        return id === caller.username
          ? { allow: true, because: 'self', roots: [] }
          : refuse(`user ${id} is another user`);
      case 'artifact':
        return onArtifact(judging, caller, reference);
      case 'prompt_uri':
        return on(caller, { ...reference, kind: 'prompt', id: readPromptUri(id) });
      case 'gemini_call':
        return onChild(
          judging,
          caller,
          { ...reference, id: endpointOfGeminiCall(id) },
          'gateway_endpoint_name',
        );
      case 'source':
        return onSource(lineage, reference, (pointedAt) => on(caller, pointedAt));
    }
  }

  return {
    ...judging,
    onMaking: (caller) => onMaking(judging, caller),
    on,
    missing: createMissing(lineage),
  };
}

function onMaking({ workspace, defaultPermission }: Judging, caller: SignedIn): Decision {
  return workspace === undefined
    ? { allow: true, because: 'signed in' }
    : decideOnMaking(caller, defaultPermission);
}

function onChild(judging: Judging, caller: SignedIn, reference: Reference, kind: ChildKind) {
  const roots = judging.lineage.rootsOf(kind, reference.id, reference.row);
  return roots instanceof Promise
    ? roots.then((found) =>
        found === undefined
          ? onMissing(judging, reference, kind)
          : onRoots(judging, caller, reference, found),
      )
    : onRoots(judging, caller, reference, roots);
}

/** Decides on what is not there, which may be to come. */
async function onMissing(
  { isElsewhere }: Judging,
  { id, fresh }: Reference,
  kind: ChildKind,
): Promise<Judgement> {
  if (fresh === undefined) {
    return refuse(`there is no ${kind} ${id}`);
  }
  return (await isElsewhere?.(kind, id)) === true
    ? refuse(`${kind} ${id} is in another workspace`)
    : { allow: true, because: `${kind} ${id} is new`, roots: [] };
}

function onRoots(
  judging: Judging,
  caller: SignedIn,
  reference: Reference,
  roots: readonly Root[],
): Judgement {
  const { kind, id, fresh, part = isPart(kind) ? kind : undefined } = reference;
  if (fresh !== undefined && roots.some((root) => root.id !== fresh.in)) {
    return { ...refuse(`${kind} ${id} belongs to another experiment`), roots };
  }
  let last: Decision = refuse(`${kind} ${id} belongs to nothing`);
  for (const root of roots) {
    last = onRootOrPart(judging, caller, reference, root, part);
    if (!last.allow) {
      break;
    }
  }
  return { ...last, roots };
}

function onRootOrPart(
  { onRoot, onPart }: Judging,
  caller: SignedIn,
  { action, tierAction }: Reference,
  root: Root,
  part: InnerKind | undefined,
): Decision {
  return part === undefined ? onRoot(caller, action, root) : onPart(caller, action, part, root, tierAction);
}
