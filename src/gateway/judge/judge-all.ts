import type { FastifyRequest } from 'fastify';
import { denied } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Decision } from '../../policy/decide.ts';
import { PERMISSION_FOR } from '../../policy/permissions.ts';
import type { Judged, Judgement, Reference } from '../reference.ts';
import type { Judge } from './judge.ts';

/**
 * Decides on every reference, at once where nothing has to be looked up, and notes each in the way of the request.
 *
 * @throws ApiError 403 for the first that is refused, 404 if that is a name which is nobody's.
 */
export function judgeAll(
  request: FastifyRequest,
  caller: SignedIn,
  references: readonly Reference[],
  judge: Judge,
): Promise<void> | undefined {
  const judgements = references.map((reference) => judge.on(caller, reference));
  const conclude = (known: readonly Judgement[]) => {
    const refused = note(request, references, known);
    return refused && refuse(caller, refused, judge);
  };
  return areKnown(judgements) ? conclude(judgements) : Promise.all(judgements).then(conclude);
}

/** Notes what was decided; answers the first that is refused. */
function note(
  { way }: FastifyRequest,
  references: readonly Reference[],
  judgements: readonly Judgement[],
): Judged | undefined {
  const judged: Judged[] = [];
  for (const [index, judgement] of judgements.entries()) {
    const reference = references[index];
    if (reference !== undefined) {
      judged.push({ ...judgement, reference });
    }
  }
  way.judged = way.judged.length === 0 ? judged : [...way.judged, ...judged];
  way.because = judged.at(-1)?.because ?? way.because;
  return judged.find(({ allow }) => !allow);
}

async function refuse(caller: SignedIn, refused: Judged, judge: Judge): Promise<never> {
  throw (await judge.missing(caller, refused)) ?? refusal(refused.reference, refused);
}

function areKnown(
  judgements: readonly (Judgement | Promise<Judgement>)[],
): judgements is readonly Judgement[] {
  return !judgements.some((judgement) => judgement instanceof Promise);
}

/** The same words for an id that is nothing's and for what may not be seen, so that neither tells the other. */
export function refusal(
  { kind, id, action }: Pick<Reference, 'kind' | 'id' | 'action'>,
  { because }: Decision,
) {
  const what = kind.replaceAll('_', ' ');
  return denied(
    `This needs ${PERMISSION_FOR[action]} on ${what} ${JSON.stringify(id)}. Ask a user who holds MANAGE on it, or an admin.`,
    because,
  );
}

/**
 * Refuses a caller who may make nothing new in the workspace of the request.
 *
 * @throws ApiError 403.
 */
export function checkMaking(judge: Pick<Judge, 'onMaking'>, caller: SignedIn): void {
  const { allow, because } = judge.onMaking(caller);
  if (!allow) {
    throw denied('You may make nothing new in this workspace: ask for a role that gives USE on it.', because);
  }
}
