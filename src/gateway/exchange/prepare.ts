import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import type { From } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import type { Judge } from '../judge/judge.ts';
import { visibilityOf } from '../judge/visibility.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import { narrowBody } from './narrow.ts';

/** Changes to the request that need no answer: lists narrowed, claims overwritten, local answers. */
export function prepare(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  judge: Judge,
  reply: FastifyReply,
): void {
  for (const rule of operation.rules) {
    if (rule.rule === 'answer') {
      reply.send(rule.body);
      return;
    }
    if (caller.isAdmin || request.way.bytes === undefined) continue;
    if (rule.rule === 'narrow') {
      const { mayRead } = visibilityOf(judge, caller, rule.kind);
      const narrowed = narrowBody(request.way.bytes, rule.from, rule.kind, mayRead);
      if (narrowed.empty) {
        reply.send(rule.whenEmpty);
        return;
      }
      request.way.bytes = narrowed.bytes;
    } else if (rule.rule === 'stamp' && !holds(rule.unless, request)) {
      request.way.bytes = stamped(request.way.bytes, rule.to, caller.username);
    }
  }
}

/** Whether a field of the request has a value. */
function holds(field: RuleOf<'stamp'>['unless'], request: FastifyRequest): boolean {
  return field !== undefined && valuesAt(field[0], readable(request)).includes(field[1]);
}

/** A body in which the caller's name stands where the client may have written another. */
function stamped(bytes: Buffer, to: From, username: string): Buffer {
  const body = parseLossless(bytes.toString('utf8') || '{}') as Record<string, unknown>;
  const name = to.slice('body.'.length);
  const key = spellingOf(body, name) ?? name;
  return body[key] === username ? bytes : Buffer.from(JSON.stringify({ ...body, [key]: username }));
}
