import { denied } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import type { Decision } from '../../policy/decide.ts';
import { ALL } from '../../policy/resources.ts';
import type { Judge } from '../judge/judge.ts';
import type { Special } from './special.ts';

/**
 * Decides whether a caller may have models called with the server's own keys, as jobs do: that takes USE on every endpoint
 * of the AI gateway, and a refusal on none. The endpoints that a job calls stand in stored scorers and prompts too, not in
 * the request alone.
 */
export function onServerKeys(judge: Judge, caller: SignedIn): Decision {
  const granted = caller.grantsOfKind('gateway_endpoint').map(({ resourcePattern }) => resourcePattern);
  const decisions = [ALL, ...granted].map((id) =>
    judge.onRoot(caller, 'use', { kind: 'gateway_endpoint', id }),
  );
  return decisions.find(({ allow }) => !allow) ?? { allow: true, because: 'may use every endpoint' };
}

/** Judges requests that have models called with the server's own keys. */
export function serverKeys(judge: Judge): Special {
  return async (_request, caller) => {
    checkServerKeys(judge, caller);
    return undefined;
  };
}

/** @throws ApiError 403 for callers who may not use every endpoint. */
export function checkServerKeys(judge: Judge, caller: SignedIn): void {
  const { allow, because } = onServerKeys(judge, caller);
  if (!allow) {
    throw denied(
      'This runs with the keys of the server: it needs USE on all AI gateway endpoints besides.',
      because,
    );
  }
}
