import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Changing, changingBy, type ReadsForChanging, type RecordChange } from '../audit/changing.ts';
import { tellingKept } from '../audit/kept.ts';
import { ApiError } from '../errors.ts';
import { effectOf } from '../mlflow/table/effect.ts';
import { type AuditEntry, cut } from '../store/audit/index.ts';
import { DEFAULT_WORKSPACE } from '../store/workspace.ts';
import { timeOrderedId } from '../time-ordered-id.ts';
import { type Ended, reasonOf } from './record.ts';
import type { Way } from './way.ts';

export interface AuditedOptions {
  /** Whether allowed reads have entries too. */
  readonly reads: boolean;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * The entry of a request in the audit log; undefined if it has none. A refusal has one, and a failed sign-in, and every
 * change that was allowed. A request without credentials has none, nor one that its row lets everybody send.
 */
export function entryOf(ended: Ended, { reads, clock }: AuditedOptions): AuditEntry | undefined {
  const { way, request, touched, failure, ip, status, ms } = ended;
  const isPublic = way?.operation?.need === 'public' && !way.signInFailed;
  if (way === undefined || way.written.length > 0 || isPublic) {
    return undefined;
  }
  const refused = isRefusal(failure);
  const refusal = refused ? failure : way.refusal;
  const isKnown = way.principal.kind === 'user' || way.signInFailed;
  const action = actionOf(way, request);
  const isRead = action === 'read' || action === 'use';
  if (!isKnown || (refusal === undefined && isRead && !reads)) {
    return undefined;
  }
  return {
    ...begun(request, way, ip, clock()),
    action,
    resources: touched.map(({ kind, id }) => ({ type: kind, id: cut(id) })),
    allowed: refusal === undefined,
    enforced: refused || refusal === undefined,
    because: cut(`${placeOf(way)}${reasonOf(refusal ?? failure, way.because)}`),
    status: status ?? null,
    durationMs: Math.round(ms),
    change: null,
  };
}

/** The entry of a sign-in that came with a request: a credential was checked that was not known from one before. */
export function signInOf({ way, request, ip }: Ended, clock: () => number): AuditEntry | undefined {
  if (way === undefined || !way.signedIn || way.principal.kind !== 'user') {
    return undefined;
  }
  return {
    ...begun(request, way, ip, clock()),
    action: 'sign_in',
    resources: [],
    allowed: true,
    because: `the ${way.principal.credential.kind} is right`,
    status: null,
    durationMs: null,
    change: null,
  };
}

/**
 * The store's changing verbs for the caller of a request. It knows its entries that are kept; with none of these, it gets
 * the one that every request has.
 */
export function changingFor(
  store: ReadsForChanging,
  request: FastifyRequest,
  reply: FastifyReply,
  clock: () => number,
): Changing {
  const { way } = request;
  const atOnce = tellingKept(store.atOnce, (entries) => {
    way.written = [...way.written, ...entries];
  });
  return changingBy({ ...store, atOnce }, recordFor(request, reply, clock));
}

/**
 * Writes the entry of a change of users, grants or roles, which is the entry of its request: within the transaction that
 * makes the change, so that neither is there without the other.
 */
function recordFor(request: FastifyRequest, reply: FastifyReply, clock: () => number): RecordChange {
  const { way } = request;
  return async (told, audit) => {
    const { action, change, resources = [], by } = told;
    const entry: AuditEntry = {
      ...begun(request, way, request.ip, clock()),
      ...by,
      action,
      resources,
      allowed: true,
      because: `${placeOf(way)}${way.because}`,
      status: 200,
      durationMs: Math.round(reply.elapsedTime),
      change,
    };
    await audit.add([entry]);
  };
}

/** Names and ids in an entry are of the default workspace, unless this says so. */
const placeOf = ({ workspace }: Way): string =>
  workspace === undefined || workspace.name === DEFAULT_WORKSPACE ? '' : `workspace ${workspace.name}: `;

/** What every entry of a request has alike. */
function begun(request: FastifyRequest, way: Way, ip: string, at: number) {
  const { username, credential } = callerOf(way);
  return {
    id: timeOrderedId(at),
    at,
    requestId: String(request.id),
    username,
    credential,
    ip,
    method: request.raw.method ?? null,
    path: cut(way.target.path),
    operation: way.operation?.name ?? null,
    enforced: true,
  };
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403, 429]);

function isRefusal(failure: Error | undefined): boolean {
  return failure instanceof ApiError && REFUSALS.has(failure.status);
}

function actionOf(way: Way, { raw }: FastifyRequest): string {
  if (way.signInFailed) {
    return 'sign_in';
  }
  if (way.operation !== undefined) {
    return effectOf(way.operation);
  }
  return raw.method === 'GET' || raw.method === 'HEAD' ? 'read' : 'update';
}

function callerOf({ principal, triedAs }: Way): Pick<AuditEntry, 'username' | 'credential'> {
  if (principal.kind !== 'user') {
    return { username: triedAs === undefined ? null : cut(triedAs), credential: null };
  }
  const { username, credential } = principal;
  return { username, credential: { kind: credential.kind, id: credential.id ?? null } };
}
