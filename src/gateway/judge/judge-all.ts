import type { FastifyRequest } from 'fastify';
import { denied } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Decision } from '../../policy/decide.ts';
import { PERMISSION_FOR } from '../../policy/permissions.ts';
import type { Judgement, Reference } from '../reference.ts';
import type { Judge } from './judge.ts';

/**
 * Decides on every reference, at once where nothing has to be looked up, and notes each in the way of the request.
 *
 * @throws ApiError 403 for the first that is refused.
 */
export function judgeAll(
  request: FastifyRequest,
  caller: SignedIn,
  references: readonly Reference[],
  judge: Judge,
): Promise<void> | undefined {
  const judgements = references.map((reference) => judge.on(caller, reference));
  if (!areKnown(judgements)) {
    return Promise.all(judgements).then((known) => accept(request, references, known));
  }
  accept(request, references, judgements);
  return undefined;
}

function accept(
  { way }: FastifyRequest,
  references: readonly Reference[],
  judgements: readonly Judgement[],
): void {
  const judged = references.flatMap((reference, index) => {
    const judgement = judgements[index];
    return judgement === undefined ? [] : [{ ...judgement, reference }];
  });
  way.judged = way.judged.length === 0 ? judged : [...way.judged, ...judged];
  const refused = judged.find(({ allow }) => !allow);
  if (refused !== undefined) {
    throw refusal(refused.reference, refused);
  }
  way.because = judged.at(-1)?.because ?? way.because;
}

function areKnown(
  judgements: readonly (Judgement | Promise<Judgement>)[],
): judgements is readonly Judgement[] {
  return !judgements.some((judgement) => judgement instanceof Promise);
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
