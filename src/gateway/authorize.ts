import type { FastifyInstance, FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import { experimentOfArtifact } from '../mlflow/identifiers.ts';
import type { Lineage } from '../mlflow/lineage.ts';
import type { Operation } from '../mlflow/match.ts';
import { readArtifactPath } from '../mlflow/read/target.ts';
import { CHILD_KINDS, type ChildKind, type Need } from '../mlflow/row.ts';
import { liesIn, readPromptUri, readSource } from '../mlflow/source.ts';
import { type Decision, decide } from '../policy/decide.ts';
import { type Action, PERMISSION_FOR, type Permission } from '../policy/permissions.ts';
import { ROOT_KINDS, type Root, type RootKind } from '../policy/resources.ts';
import { unauthenticated } from './authenticate.ts';
import { check } from './check.ts';
import { locate, type Reference } from './locate.ts';
import type { Specials } from './special.ts';

/** Answers whether a caller may do something to a thing, looking up what it belongs to. */
export interface Judge {
  /** Decides on a root at once. */
  onRoot(caller: SignedIn, action: Action, root: Root): Decision;
  /** Decides on a root, or on every root of a child. */
  on(caller: SignedIn, reference: Reference, request?: FastifyRequest): Promise<Decision> | Decision;
  readonly defaultPermission: Permission;
}

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);
const ROOTS: ReadonlySet<string> = new Set(ROOT_KINDS);

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
    const { kind, id, action } = reference;
    if (caller.isAdmin) return onRoot(caller, action, { kind: 'experiment', id });
    if (isRoot(kind)) return onRoot(caller, action, { kind, id });
    if (isChild(kind)) return onChild(caller, reference, kind, request);
    switch (kind) {
      case 'user':
        return id === caller.username
          ? { allow: true, because: 'self' }
          : refuse(`user ${id} is somebody else`);
      case 'artifact':
        return onArtifact(caller, action, id);
      case 'prompt_uri':
        return onRoot(caller, action, { kind: 'registered_model', id: readPromptUri(id) });
      default:
        return onSource(caller, action, id, request);
    }
  }

  function onChild(caller: SignedIn, reference: Reference, kind: ChildKind, request?: FastifyRequest) {
    const roots = lineage.rootsOf(kind, reference.id);
    return roots instanceof Promise
      ? roots.then((found) => onRoots(caller, reference, found, request))
      : onRoots(caller, reference, roots, request);
  }

  function onRoots(
    caller: SignedIn,
    { kind, id, action, fresh }: Reference,
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
      last = onRoot(caller, action, root);
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
    return onRoot(caller, action, { kind: 'experiment', id });
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

  return { onRoot, on, defaultPermission };
}

/** Decides whether a request may pass, and remembers why. */
export function authorize(app: FastifyInstance, judge: Judge, specials: Specials): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation, principal } = request.way;
    if (operation?.need === 'public') {
      request.way.because = 'public';
      done();
      return;
    }
    if (principal.kind === 'anonymous') throw unauthenticated('no credentials');
    if (operation?.need === 'nobody') {
      throw denied('This operation is not offered.', `${operation.name} is refused to everyone`);
    }
    if (principal.isAdmin) {
      request.way.because = 'admin';
      done();
      return;
    }
    if (operation === undefined || operation.need === 'admin') {
      throw denied(
        'Only an admin may do this.',
        operation === undefined ? 'no row of the table matches' : `${operation.name} needs an admin`,
      );
    }
    return judgeRow(request, operation, principal, judge, specials).then(() => undefined);
  });
}

async function judgeRow(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  judge: Judge,
  specials: Specials,
): Promise<void> {
  const needed = check(operation.rules, actionOf(operation.need), readable(request));
  const references = locate(operation.locators, needed, readable(request));
  await judgeAll(request, caller, references, judge);
  for (const rule of operation.rules) {
    if (rule.rule === 'special') await specials[rule.name](request, caller);
  }
  request.way.because ||= operation.need;
}

/** Decides on every reference; the first refusal ends it. */
export async function judgeAll(
  request: FastifyRequest,
  caller: SignedIn,
  references: readonly Reference[],
  judge: Judge,
): Promise<void> {
  const decisions = await Promise.all(references.map((reference) => judge.on(caller, reference, request)));
  decisions.forEach((decision, index) => {
    const reference = references[index];
    if (!decision.allow && reference !== undefined) throw refusal(reference, decision);
    request.way.because = decision.because;
  });
}

/** The same words for what is not there and for what may not be seen, so that neither tells the other. */
export function refusal(
  { kind, id, action }: Pick<Reference, 'kind' | 'id' | 'action'>,
  { because }: Decision,
) {
  const what = kind.replaceAll('_', ' ');
  return denied(
    `This needs ${PERMISSION_FOR[action]} on ${what} ${JSON.stringify(id)}. Ask somebody who holds MANAGE on it, or an admin.`,
    because,
  );
}

function actionOf(need: Need): Action {
  return need === 'signed-in' || need === 'public' || need === 'admin' || need === 'nobody' ? 'read' : need;
}

/** The parts of a request that locators read. */
export function readable(request: FastifyRequest) {
  const { params, query, body } = request.way;
  return { params, query, body, headers: request.raw.headers };
}
