import type { FastifyRequest } from 'fastify';
import { thingIn } from '../../admin/api/explain.ts';
import { missingParameter } from '../../errors.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import type { Judge } from '../judge/judge.ts';
import { refusal } from '../judge/judge-all.ts';
import type { Special } from './special.ts';

/**
 * Judges who may be told who may do what to a thing: a caller who holds MANAGE on it, and about themselves everybody.
 * Of a thing that the caller may not see the refusal is the one of a thing that is not there.
 */
export function explainable(judge: Judge): Special<SpecialQuestions['explainable']> {
  return async (request, caller, about) => {
    const [type, id] = [textIn(request, 'resource_type'), textIn(request, 'resource_id')];
    const thing = thingIn(type, id);
    if (about === 'user' && textIn(request, 'username') === caller.username) {
      request.way.because = 'self';
      return undefined;
    }
    const reference = { ...thing, action: 'manage' } as const;
    const judgement = await judge.on(caller, reference);
    request.way.judged = [{ ...judgement, reference }];
    request.way.because = judgement.because;
    if (!judgement.allow) {
      // Not the 404 of a name that is free: there is nothing to create here.
      throw refusal(reference, judgement);
    }
    return undefined;
  };
}

function textIn({ way }: FastifyRequest, name: string): string {
  const [value] = way.query.get(name) ?? [];
  if (value === undefined || value === '') {
    throw missingParameter(name);
  }
  return value;
}
