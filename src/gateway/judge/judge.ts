import type { SignedIn } from '../../identity/principal.ts';
import { readArtifactPath } from '../../mlflow/read/target.ts';
import { CHILD_KINDS, type ChildKind, type ReferenceKind } from '../../mlflow/table/row.ts';
import {
  endpointOfGeminiCall,
  experimentOfArtifact,
  partOfArtifact,
} from '../../mlflow/things/identifiers.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import { liesIn, readPromptUri, readSource } from '../../mlflow/things/source.ts';
import { type Decision, decide, decideOnKind, decideOnPart } from '../../policy/decide.ts';
import type { Action, Permission } from '../../policy/permissions.ts';
import {
  ALL,
  type InnerKind,
  PART_KINDS,
  type PartKind,
  ROOT_KINDS,
  type Root,
  type RootKind,
  versionKind,
} from '../../policy/resources.ts';
import type { Judgement, Reference } from '../reference.ts';
import { createMissing, type Missing } from './missing.ts';

/** Answers whether a caller may do something to a thing, looking up what it belongs to. */
export interface Judge {
  /** Decides on a root at once. */
  onRoot(caller: SignedIn, action: Action, root: Root): Decision;
  /** Decides on all things of a kind inside a root at once. */
  onPart(caller: SignedIn, action: Action, part: InnerKind, root: Root): Decision;
  /** Decides on a root, or on every root of a child. */
  on(caller: SignedIn, reference: Reference): Promise<Judgement> | Judgement;
  /** What to say of a reference that was refused, where it names nothing. */
  readonly missing: Missing;
  readonly defaultPermission: Permission;
}

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);
const ROOTS: ReadonlySet<string> = new Set(ROOT_KINDS);

const REGISTRY_KINDS = ['registered_model', 'prompt'] as const;
const VERSION_KINDS = ['registered_model_version', 'prompt_version'] as const;

const ARTIFACT_PARTS = ['run', 'logged_model', 'trace'] as const;
const PARTS: ReadonlySet<string> = new Set(PART_KINDS);

const isPart = (kind: string): kind is PartKind => PARTS.has(kind);
const isChild = (kind: string): kind is ChildKind => CHILDREN.has(kind);
const isRoot = (kind: string): kind is RootKind => ROOTS.has(kind);

const refuse = (because: string): Judgement => ({ allow: false, because, roots: [] });
const NOTHING_TOUCHED: Judgement = { allow: true, because: 'touches nothing', roots: [] };

/** Joins the look-ups to the policy: fetches without deciding, decides without I/O. */
export function createJudge(lineage: Lineage, defaultPermission: Permission): Judge {
  function onRoot(caller: SignedIn, action: Action, root: Root): Decision {
    return decide(caller, action, root, defaultPermission);
  }

  const judged = (root: Root, decision: Decision): Judgement => ({ ...decision, roots: [root] });

  function on(caller: SignedIn, reference: Reference): Promise<Judgement> | Judgement {
    const { kind, id, action, part, tierAction } = reference;
    if (kind === 'registered_model' || kind === 'prompt') {
      return onRegistryName(caller, action, kind, id, part);
    }
    if (isRoot(kind)) {
      const root: Root = { kind, id };
      const decision =
        part === undefined
          ? onRoot(caller, action, root)
          : decideOnPart(caller, action, part, root, defaultPermission, tierAction);
      return judged(root, decision);
    }
    if (isChild(kind)) {
      return onChild(caller, reference, kind);
    }
    return onText(caller, reference, kind);
  }

  /** Decides on what has to be taken apart first. */
  function onText(
    caller: SignedIn,
    reference: Reference,
    kind: Exclude<ReferenceKind, RootKind | ChildKind>,
  ): Promise<Judgement> | Judgement {
    const { id, action } = reference;
    switch (kind) {
      case 'user':
        return id === caller.username
          ? { allow: true, because: 'self', roots: [] }
          : refuse(`user ${id} is another user`);
      case 'artifact':
        return onArtifact(caller, action, id);
      case 'prompt_uri':
        return onRegistryName(caller, action, 'prompt', readPromptUri(id));
      case 'gemini_call':
        return onChild(caller, { ...reference, id: endpointOfGeminiCall(id) }, 'gateway_endpoint_name');
      case 'source':
        return onSource(caller, reference);
    }
  }

  /** Which family a name belongs to matters only to callers who hold something on a whole family. */
  function onRegistryName(
    caller: SignedIn,
    action: Action,
    kind: 'registered_model' | 'prompt',
    id: string,
    part?: InnerKind,
  ): Promise<Judgement> | Judgement {
    const families = part === undefined ? REGISTRY_KINDS : [...REGISTRY_KINDS, ...VERSION_KINDS];
    const holdsOnAll = families.some((each) => caller.grantsOn({ kind: each, id: ALL }).length > 0);
    if (!holdsOnAll) {
      return judged({ kind, id }, onRoot(caller, action, { kind, id }));
    }
    return lineage.isPrompt(id).then((isPrompt) => {
      const root: Root = { kind, id, isPrompt };
      const decision =
        part === undefined
          ? onRoot(caller, action, root)
          : decideOnPart(caller, action, versionKind(isPrompt), root, defaultPermission);
      return judged(root, decision);
    });
  }

  function onChild(caller: SignedIn, reference: Reference, kind: ChildKind) {
    const roots = lineage.rootsOf(kind, reference.id);
    return roots instanceof Promise
      ? roots.then((found) => onRoots(caller, reference, found))
      : onRoots(caller, reference, roots);
  }

  function onRoots(
    caller: SignedIn,
    { kind, id, action, fresh, part = isPart(kind) ? kind : undefined, tierAction }: Reference,
    roots: readonly Root[] | undefined,
  ): Judgement {
    if (roots === undefined) {
      return fresh === undefined
        ? refuse(`there is no ${kind} ${id}`)
        : { allow: true, because: `${kind} ${id} is new`, roots: [] };
    }
    if (fresh !== undefined && roots.some((root) => root.id !== fresh.in)) {
      return { ...refuse(`${kind} ${id} belongs to another experiment`), roots };
    }
    let last: Decision = refuse(`${kind} ${id} belongs to nothing`);
    for (const root of roots) {
      last =
        part === undefined
          ? onRoot(caller, action, root)
          : decideOnPart(caller, action, part, root, defaultPermission, tierAction);
      if (!last.allow) {
        break;
      }
    }
    return { ...last, roots };
  }

  function onArtifact(caller: SignedIn, action: Action, path: string): Judgement {
    const segments = readArtifactPath(path);
    const id = experimentOfArtifact(segments);
    if (id === undefined) {
      return refuse('the path lies in no experiment; only an admin may use it');
    }
    const root: Root = { kind: 'experiment', id };
    // A delete is recursive, and nothing of MLflow's own is written beside the runs.
    if (action !== 'read' && segments.length < 3) {
      return judged(root, refuse('only an admin may change the root of an experiment'));
    }
    const part = partOfArtifact(segments);
    if (part !== undefined) {
      return judged(root, decideOnPart(caller, action, part, root, defaultPermission));
    }
    // Where everything lies side by side, what is refused of any of it refuses the whole.
    const refused = ARTIFACT_PARTS.map((each) => decideOnKind(caller, each)).find(({ allow }) => !allow);
    return judged(root, refused ?? onRoot(caller, action, root));
  }

  async function onSource(
    caller: SignedIn,
    { id: uri, action, cameFrom = [] }: Reference,
  ): Promise<Judgement> {
    const pointer = readSource(uri);
    switch (pointer.kind) {
      case 'nothing':
        return NOTHING_TOUCHED;
      case 'unknown':
        return refuse('the source cannot be tied to anything that holds grants');
      case 'storage':
        // READ on the run and the model themselves is asked by locators of their own.
        for (const { kind, id } of cameFrom) {
          const root = await lineage.artifactRootOf(kind, id);
          if (root !== undefined && liesIn(pointer.uri, root)) {
            return on(caller, { kind, id, action });
          }
        }
        return refuse('the source lies outside the artifacts of the run or model it is said to come from');
      default:
        return on(caller, { kind: pointer.kind, id: pointer.id, action });
    }
  }

  return {
    onRoot,
    onPart: (caller, action, part, root) => decideOnPart(caller, action, part, root, defaultPermission),
    on,
    missing: createMissing(lineage),
    defaultPermission,
  };
}
