import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { isOf } from '../../mlflow/read/fields.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { carryOut, type Executors } from '../../mlflow/table/phases.ts';
import type { From } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import type { Reply } from '../../reply.ts';
import type { Judge } from '../judge/judge.ts';
import { visibilityOf } from '../judge/visibility.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Way } from '../way.ts';
import { narrow } from './narrow.ts';

interface Prepared {
  readonly request: FastifyRequest;
  readonly caller: SignedIn;
  readonly judge: Judge;
}

/** Each answers in place of the upstream, or changes what it is sent. */
const PREPARATIONS: Executors<'prepare', [Prepared], Reply | undefined> = {
  answer: ({ body }) => ({ body }),
  narrow: (rule, { request: { way }, caller, judge }) => {
    if (!way.unrestricted) {
      narrow(way, rule, visibilityOf(judge, caller, rule.kind));
    }
    return undefined;
  },
  stamp: ({ to, unless, ifDeclared = false }, { request, caller: { username } }) => {
    const { way } = request;
    const isLeft = holds(unless, request) || (ifDeclared && !isDeclared(to, way));
    if (!way.unrestricted && way.bytes !== undefined && !isLeft) {
      way.bytes = stamped(way.bytes, to, username);
    }
    return undefined;
  },
};

/**
 * Makes the changes to a request that need no answer of the upstream: lists narrowed, claims overwritten.
 *
 * @returns an answer to give in place of the upstream's, where the row has one.
 */
export function prepare(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  judge: Judge,
): Reply | undefined {
  for (const rule of operation.by.prepare) {
    const reply = carryOut<'prepare', [Prepared], Reply | undefined>(PREPARATIONS, rule, {
      request,
      caller,
      judge,
    });
    if (reply !== undefined) {
      return reply;
    }
  }
  return undefined;
}

/** Whether the version of MLflow in front is known to have a field of the body. */
function isDeclared(field: From, { operation, readAs }: Pick<Way, 'operation' | 'readAs'>): boolean {
  const declared = operation?.shape?.fields.get(field.slice('body.'.length));
  return declared !== undefined && readAs !== undefined && isOf(declared.versions, readAs);
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
