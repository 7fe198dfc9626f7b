import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { readArtifactPath } from '../../mlflow/read/target.ts';
import { CHILD_KINDS, type ChildKind } from '../../mlflow/table/row.ts';
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
import { locate, type Reference } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';

/** Answers whether a caller may do something to a thing, looking up what it belongs to. */
export interface Judge {
  /** Decides on a root at once. */
  onRoot(caller: SignedIn, action: Action, root: Root): Decision;
  /** Decides on all things of a kind inside a root at once. */
  onPart(caller: SignedIn, action: Action, part: InnerKind, root: Root): Decision;
  /** Decides on a root, or on every root of a child. */
  on(caller: SignedIn, reference: Reference, request?: FastifyRequest): Promise<Decision> | Decision;
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

const refuse = (because: string): Decision => ({ allow: false, because });
const NOTHING_TOUCHED: Decision = { allow: true, because: 'touches nothing' };

/** Joins the look-ups to the policy: fetches without deciding, decides without I/O. */
export function createJudge(lineage: Lineage, defaultPermission: Permission): Judge {
  function onRoot(caller: SignedIn, action: Action, root: Root): Decision {
    return decide(caller, action, root, defaultPermission);
  }

  function on(
    caller: SignedIn,
    reference: Reference,
    request?: FastifyRequest,
  ): Promise<Decision> | Decision {
    const { kind, id, action, part, tierAction } = reference;
    if (caller.isAdmin) return onRoot(caller, action, { kind: 'experiment', id });
    if (kind === 'registered_model' || kind === 'prompt')
      return onRegistryName(caller, action, kind, id, part);
    if (isRoot(kind)) {
      return part === undefined
        ? onRoot(caller, action, { kind, id })
        : decideOnPart(caller, action, part, { kind, id }, defaultPermission, tierAction);
    }
    if (isChild(kind)) return onChild(caller, reference, kind, request);
    switch (kind) {
      case 'user':
        return id === caller.username
          ? { allow: true, because: 'self' }
          : refuse(`user ${id} is somebody else`);
      case 'artifact':
        return onArtifact(caller, action, id);
      case 'prompt_uri':
        return onRegistryName(caller, action, 'prompt', readPromptUri(id));
      case 'gemini_call':
        return onChild(
          caller,
          { ...reference, id: endpointOfGeminiCall(id) },
          'gateway_endpoint_name',
          request,
        );
      default:
        return onSource(caller, action, id, request);
    }
  }

  /** Which family a name belongs to matters to whoever holds something on a whole family, and to nobody else. */
  function onRegistryName(
    caller: SignedIn,
    action: Action,
    kind: 'registered_model' | 'prompt',
    id: string,
    part?: InnerKind,
  ): Promise<Decision> | Decision {
    const families = part === undefined ? REGISTRY_KINDS : [...REGISTRY_KINDS, ...VERSION_KINDS];
    const holdsOnAll = families.some((each) => caller.grantsOn({ kind: each, id: ALL }).length > 0);
    if (!holdsOnAll) return onRoot(caller, action, { kind, id });
    return lineage.isPrompt(id).then((isPrompt) => {
      const root = { kind, id, isPrompt };
      if (part === undefined) return onRoot(caller, action, root);
      return decideOnPart(caller, action, versionKind(isPrompt), root, defaultPermission);
    });
  }

  function onChild(caller: SignedIn, reference: Reference, kind: ChildKind, request?: FastifyRequest) {
    const roots = lineage.rootsOf(kind, reference.id);
    return roots instanceof Promise
      ? roots.then((found) => onRoots(caller, reference, found, request))
      : onRoots(caller, reference, roots, request);
  }

  function onRoots(
    caller: SignedIn,
    { kind, id, action, fresh, part = isPart(kind) ? kind : undefined, tierAction }: Reference,
    roots: readonly Root[] | undefined,
    request?: FastifyRequest,
  ): Decision {
    if (roots === undefined) {
      return fresh ? { allow: true, because: `${kind} ${id} is new` } : refuse(`there is no ${kind} ${id}`);
    }
    if (fresh) {
      const target = request?.way.operation?.locators[0];
      const [home] =
        target === undefined || request === undefined ? [] : locate([target], action, readable(request));
      if (roots.some((root) => root.id !== home?.id))
        return refuse(`${kind} ${id} belongs to another experiment`);
    }
    let last: Decision = refuse(`${kind} ${id} belongs to nothing`);
    for (const root of roots) {
      last =
        part === undefined
          ? onRoot(caller, action, root)
          : decideOnPart(caller, action, part, root, defaultPermission, tierAction);
      if (!last.allow) return last;
    }
    return last;
  }

  function onArtifact(caller: SignedIn, action: Action, path: string): Decision {
    const segments = readArtifactPath(path);
    const id = experimentOfArtifact(segments);
    if (id === undefined) return refuse('the path lies in no experiment; only an admin may use it');
    // A delete is recursive, and nothing of MLflow's own is written beside the runs.
    if (action !== 'read' && segments.length < 3)
      return refuse('only an admin may change the root of an experiment');
    const root: Root = { kind: 'experiment', id };
    const part = partOfArtifact(segments);
    if (part !== undefined) return decideOnPart(caller, action, part, root, defaultPermission);
    // Where everything lies side by side, what is refused of any of it refuses the whole.
    const refused = ARTIFACT_PARTS.map((each) => decideOnKind(caller, each)).find(({ allow }) => !allow);
    return refused ?? onRoot(caller, action, root);
  }

  async function onSource(
    caller: SignedIn,
    action: Action,
    uri: string,
    request?: FastifyRequest,
  ): Promise<Decision> {
    const pointer = readSource(uri);
    switch (pointer.kind) {
      case 'nothing':
        return NOTHING_TOUCHED;
      case 'unknown':
        return refuse('the source cannot be tied to anything that holds grants');
      case 'storage': {
        // Read permission on the run and the model themselves is asked by locators of their own.
        const body = request?.way.body ?? {};
        for (const [kind, id] of [
          ['run', body['run_id']],
          ['logged_model', body['model_id']],
        ] as const) {
          if (typeof id !== 'string' || id === '') continue;
          const root = await lineage.artifactRootOf(kind, id);
          if (root !== undefined && liesIn(pointer.uri, root)) {
            return on(caller, { kind, id, action, fresh: false });
          }
        }
        return refuse('the source lies outside the artifacts of the run or model it is said to come from');
      }
      default:
        return on(caller, { kind: pointer.kind, id: pointer.id, action, fresh: false });
    }
  }

  return {
    onRoot,
    onPart: (caller, action, part, root) => decideOnPart(caller, action, part, root, defaultPermission),
    on,
    defaultPermission,
  };
}
