import type { FastifyRequest } from 'fastify';
import { checkGrantable } from '../../admin/api/grants.ts';
import { denied, missingParameter } from '../../errors.ts';
import { administersWorkspace } from '../../policy/decide.ts';
import { isRootKind } from '../../policy/grantable.ts';
import { ALL } from '../../policy/resources.ts';
import type { Judge } from '../judge/judge.ts';
import { judgeAll } from '../judge/judge-all.ts';
import type { Special } from './special.ts';

/**
 * Judges who may grant and revoke: a caller who holds MANAGE on the resource that the body names, of whatever kind it
 * is; for all of a kind, a caller who administers the workspace.
 */
export function grantable(judge: Judge): Special {
  return async (request, caller) => {
    const type = textIn(request, 'resource_type');
    const id = textIn(request, 'resource_id');
    checkGrantable({ type, id });
    if (id === ALL || !isRootKind(type)) {
      if (!administersWorkspace(caller)) {
        throw denied(
          'Only an admin may grant on everything of a kind.',
          `no admin, and ${type} * is everything`,
        );
      }
      request.way.because = 'manages the workspace';
      return undefined;
    }
    await judgeAll(request, caller, [{ kind: type, id, action: 'manage' }], judge);
    return undefined;
  };
}

function textIn(request: FastifyRequest, name: string): string {
  const value = request.way.body[name];
  if (typeof value === 'string' && value !== '') {
    return value;
  }
  throw missingParameter(name);
}
