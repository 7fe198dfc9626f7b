import type { FastifyRequest } from 'fastify';
import { ApiError, denied } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import type { Grant } from '../policy/grant.ts';
import { ALL } from '../policy/resources.ts';
import type { Reply } from '../reply.ts';
import type { Way } from './way.ts';

/** Whether the permissions of MLflow's operations are enforced, or only reported. */
export type Enforcement = 'enforce' | 'report';

/**
 * Whether a request passes whatever its caller was granted: one of MLflow's, by a user, while permissions are reported.
 * The gateway's own operations are enforced all the same: what is granted meanwhile is what counts afterwards.
 */
export function isReported({ operation, principal, unrestricted }: Way, enforcement: Enforcement): boolean {
  return (
    enforcement === 'report' &&
    principal.kind === 'user' &&
    !unrestricted &&
    operation?.isOwn !== true &&
    operation?.need !== 'public'
  );
}

/** Notes that a request would have been refused, where that is what an error says: the first one counts. */
export function noteRefusal(way: { refusal: ApiError | undefined }, error: unknown): void {
  if (!(error instanceof ApiError)) {
    throw error;
  }
  // What is not there is told by MLflow as well, and what cannot be looked up right now is no refusal.
  if (error.status !== 404 && error.status < 500) {
    way.refusal ??= error;
  }
}

/** Judges a request as if it were enforced, on a copy of what is known about it. */
export async function judgeOnPaper(
  request: FastifyRequest,
  judging: () => Promise<Reply | undefined> | undefined,
): Promise<void> {
  const { way } = request;
  request.way = { ...way };
  try {
    const answer = await judging();
    if (answer?.because !== undefined) {
      noteRefusal(way, denied('This would be answered without MLflow.', answer.because));
    }
  } catch (error) {
    noteRefusal(way, error);
  } finally {
    const { judged } = request.way;
    request.way = way;
    way.judged = judged;
    way.because =
      way.refusal === undefined
        ? 'permissions are only reported'
        : 'let pass, as permissions are only reported';
  }
}

const MANAGES: Grant = { resourceType: 'workspace', resourcePattern: ALL, permission: 'MANAGE', via: 'user' };

/** A caller as if they managed everything, within the scope of their credential. */
export function managing(caller: SignedIn): SignedIn {
  return {
    ...caller,
    grantsOn: ({ kind }) => (kind === 'workspace' ? [MANAGES] : []),
    grantsOfKind: (kind) => (kind === 'workspace' ? [MANAGES] : []),
  };
}
