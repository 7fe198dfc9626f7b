import { denied, invalid } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import type { TrackedKind } from '../../mlflow/table/row.ts';
import { existenceTarget } from '../../mlflow/things/existence.ts';
import { replyJson } from '../../mlflow/upstream/answer-json.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import { cutBy } from '../../policy/ceiling.ts';
import { refuses } from '../../policy/permissions.ts';
import { type TrackOptions, track } from '../adoption/track.ts';
import type { Judge } from '../judge/judge.ts';
import { checkMaking } from '../judge/judge-all.ts';

/** A thing that MLflow makes along with its first version, and how it is made without one. */
export interface ToMake {
  readonly kind: Extract<TrackedKind, 'mcp_server' | 'skill'>;
  readonly name: string;
  readonly target: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Holds against a caller's grants and credential whether something may be made under a name.
 *
 * @throws ApiError 403.
 */
export function checkMayMake(
  caller: SignedIn,
  { kind, name }: Pick<ToMake, 'kind' | 'name'>,
  judge: Judge,
): void {
  checkMaking(judge, caller);
  const what = kind.replaceAll('_', ' ');
  const refused = caller.grantsOn({ kind, id: name }).find(({ permission }) => refuses(permission));
  if (refused !== undefined) {
    throw denied(`This ${what} is denied to you.`, `holds ${refused.permission} on ${kind} ${name}`);
  }
  const { ceiling } = caller;
  if (ceiling?.resources !== undefined) {
    throw denied('Your token is confined to some resources and makes no new ones.', `${kind} ${name} is new`);
  }
  const cut = ceiling && cutBy(ceiling, 'manage', { kind, id: name });
  if (cut !== undefined) {
    throw denied(`Your credential may not make the ${what}.`, cut);
  }
}

/**
 * Makes something before a version of it is added, so that it becomes the caller's: MLflow would make it along with the
 * version and ask nobody, and of two users who add a first version at once it tells neither whose it is.
 *
 * @returns false if another user has made it meanwhile.
 * @throws ApiError 400 in MLflow's words if it cannot be made.
 */
export async function makeFirst(
  parts: TrackOptions,
  { kind, name, target, body }: ToMake,
  operation: Operation,
  caller: SignedIn,
): Promise<boolean> {
  const answer = await track(
    parts,
    {
      method: 'POST',
      target,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    },
    { action: 'create', kind, name },
    operation,
    caller,
  );
  if (answer.status === 200) {
    return true;
  }
  if ((await ask(parts.upstream, existenceTarget(kind, 'byName', name))) !== undefined) {
    return false;
  }
  throw invalid(String(propertyAt(replyJson(answer), 'message') ?? 'It cannot be made.'));
}
