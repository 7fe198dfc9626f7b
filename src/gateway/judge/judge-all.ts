import type { FastifyRequest } from 'fastify';
import { denied } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Decision } from '../../policy/decide.ts';
import { PERMISSION_FOR } from '../../policy/permissions.ts';
import type { Reference } from '../locate/locate.ts';
import type { Judge } from './judge.ts';

/** Decides on every reference, at once where nothing has to be looked up; the first refusal ends it. */
export function judgeAll(
  request: FastifyRequest,
  caller: SignedIn,
  references: readonly Reference[],
  judge: Judge,
): Promise<void> | undefined {
  const accept = (decisions: readonly Decision[]): void => {
    decisions.forEach((decision, index) => {
      const reference = references[index];
      if (!decision.allow && reference !== undefined) throw refusal(reference, decision);
      request.way.because = decision.because;
    });
  };
  const decisions = references.map((reference) => judge.on(caller, reference, request));
  if (!areKnown(decisions)) return Promise.all(decisions).then(accept);
  accept(decisions);
  return undefined;
}

function areKnown(decisions: readonly (Decision | Promise<Decision>)[]): decisions is readonly Decision[] {
  return !decisions.some((decision) => decision instanceof Promise);
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
