import type { FastifyInstance, FastifyRequest } from 'fastify';
import { invalid, notFound } from '../errors.ts';
import { isPresent, type Workspace, within } from '../identity/within.ts';
import {
  DEFAULT_WORKSPACE,
  isWorkspaceName,
  WORKSPACE_HEADER,
  type Workspaces,
} from '../mlflow/things/workspaces.ts';
import { type Enforcement, isReported } from './report.ts';

export interface EnterOptions {
  readonly workspaces: Workspaces;
  /** Whether everybody is in the default workspace, a role there or not. */
  readonly opensDefault: boolean;
  readonly enforcement: Enforcement;
}

/**
 * Finds out which workspace a request is about, and has its caller judged by what they hold there. Where MLflow has no
 * workspaces a request that names one is refused: with the header dropped it would be carried out, and answered as if it
 * had been done where the client said.
 */
export function enter(app: FastifyInstance, options: EnterOptions): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation } = request.way;
    if (operation?.need === 'public') {
      done();
      return undefined;
    }
    const named = namedIn(request.raw.headers);
    const on = areOn(request, named, options);
    if (on instanceof Promise) {
      return on.then((known) => enterNamed(request, named, known, options));
    }
    const entering = enterNamed(request, named, on, options);
    if (entering === undefined) {
      done();
    }
    return entering;
  });
}

/**
 * Whether MLflow has workspaces. Where it has never said so, a request is judged as if it had: nothing is given by default
 * then. Users and grants are there for their administrators while MLflow is not.
 *
 * @throws ApiError 503 or 504 if it does not say, of a request that names one.
 */
function areOn(
  { way: { operation } }: FastifyRequest,
  named: string | undefined,
  { workspaces }: EnterOptions,
): boolean | Promise<boolean> {
  const on = workspaces.areOn();
  return on instanceof Promise && named === undefined ? on.catch(() => operation?.isOwn !== true) : on;
}

/** @returns a promise where MLflow has to be asked whether there is the workspace. */
function enterNamed(
  request: FastifyRequest,
  named: string | undefined,
  on: boolean,
  { opensDefault, enforcement, workspaces }: EnterOptions,
): Promise<void> | undefined {
  if (!on) {
    if (named !== undefined) {
      throw invalid(
        'Workspace APIs are not available: workspaces are not enabled on this server. Leave X-MLFLOW-WORKSPACE out.',
      );
    }
    return undefined;
  }
  const { way } = request;
  const name = named ?? DEFAULT_WORKSPACE;
  if (!isWorkspaceName(name)) {
    throw invalid(`X-MLFLOW-WORKSPACE names ${JSON.stringify(name)}, which no workspace can be called.`);
  }
  take(request, { name, opensDefault });
  const { principal } = way;
  const isLetIn =
    name === DEFAULT_WORKSPACE ||
    way.unrestricted ||
    isReported(way, enforcement) ||
    principal.kind !== 'user' ||
    isPresent(principal, { name, opensDefault });
  if (!isLetIn) {
    throw missing(name, 'has no role in it');
  }
  // What MLflow is not asked itself could be done in one that is not there.
  return way.operation?.isOwn === true && name !== DEFAULT_WORKSPACE
    ? workspaces.has(name).then((isThere) => {
        if (!isThere) {
          throw missing(name, 'MLflow has no such workspace');
        }
      })
    : undefined;
}

function take({ way }: FastifyRequest, workspace: Workspace): void {
  way.workspace = workspace;
  if (way.principal.kind === 'user') {
    way.principal = within(way.principal, workspace);
  }
}

/** One that a caller has no part in looks like one that is not there, in MLflow's words for that. */
const missing = (name: string, because: string) =>
  notFound(`Workspace '${name}' not found`, { because: `workspace ${name}: ${because}` });

/** As Python's servers read them, which take `_` and `-` in a header for the same. */
const HEADER = new RegExp(`^${WORKSPACE_HEADER.replaceAll('-', '[-_]')}$`);

/** What the header names, all of it where it is sent more than once; nothing if it is blank, as MLflow has it. */
function namedIn(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  let named: string | undefined;
  for (const name in headers) {
    if (name.length === WORKSPACE_HEADER.length && HEADER.test(name)) {
      const value = String(headers[name]).trim();
      named = value === '' ? named : named === undefined ? value : `${named}, ${value}`;
    }
  }
  return named;
}
