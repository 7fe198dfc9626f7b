import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { isOf } from '../../mlflow/read/fields.ts';
import { isObject } from '../../mlflow/read/json.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { carryOut, type Executors, type RuleBy } from '../../mlflow/table/phases.ts';
import type { From } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import type { Reply } from '../../reply.ts';
import type { Judge } from '../judge/judge.ts';
import { visibilityOf } from '../judge/visibility.ts';
import { locate, valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Judged, Reference } from '../reference.ts';
import type { Way } from '../way.ts';
import { narrow } from './narrow.ts';

type Preparing = Promise<undefined> | Reply | undefined;

interface Prepared {
  readonly request: FastifyRequest;
  readonly caller: SignedIn;
  readonly judge: Judge;
}

/** Each answers in place of the upstream, or changes what it is sent. */
const PREPARATIONS: Executors<'prepare', [Prepared], Preparing> = {
  answer: ({ body }) => ({ body }),
  narrow: (rule, { request, caller, judge }) => {
    const { way } = request;
    if (way.unrestricted) {
      return undefined;
    }
    const { kind } = rule;
    if (kind === 'experiment') {
      narrow(way, rule, visibilityOf(judge, caller, kind));
      return undefined;
    }
    const listed = locate([{ kind, from: [`${rule.from}[]`], optional: true }], 'read', readable(request));
    return readableOf(listed, caller, judge).then((judged) => {
      // What is left out is not touched.
      way.judged = judged;
      const ids = new Set(judged.map(({ reference }) => reference.id));
      narrow(way, rule, { mayRead: (id) => ids.has(id), only: undefined });
      return undefined;
    });
  },
  stamp: ({ to, unless, ifDeclared = false }, { request, caller: { username } }) => {
    const { way } = request;
    const isLeft = holds(unless, request) || (ifDeclared && !isDeclared(to, way));
    if (way.bytes !== undefined && !isLeft) {
      way.bytes = stamped(way.bytes, to, username, way.unrestricted);
    }
    return undefined;
  },
};

/**
 * Makes the changes to a request that need no answer of the upstream: lists narrowed, claims overwritten.
 *
 * @returns an answer to give in place of the upstream's, where the row has one; a promise where something is looked up.
 */
export function prepare(
  request: FastifyRequest,
  { by }: Operation,
  caller: SignedIn,
  judge: Judge,
): Promise<Reply | undefined> | Reply | undefined {
  return prepareBy(by.prepare, { request, caller, judge });
}

function prepareBy(
  [rule, ...others]: readonly RuleBy<'prepare'>[],
  prepared: Prepared,
): Promise<Reply | undefined> | Reply | undefined {
  if (rule === undefined) {
    return undefined;
  }
  const preparing = carryOut<'prepare', [Prepared], Preparing>(PREPARATIONS, rule, prepared);
  return preparing instanceof Promise
    ? preparing.then(() => prepareBy(others, prepared))
    : (preparing ?? prepareBy(others, prepared));
}

/** Those of some things inside of others that the caller may read, each with its judgement. */
async function readableOf(
  references: readonly Reference[],
  caller: SignedIn,
  judge: Judge,
): Promise<readonly Judged[]> {
  const judged = await Promise.all(
    references.map(
      async (reference): Promise<Judged> => ({ ...(await judge.on(caller, reference)), reference }),
    ),
  );
  return judged.filter(({ allow }) => allow);
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

/**
 * A body in which the caller's name stands where the client may have written another. An admin may say that it was
 * somebody else, and send what is no object.
 */
function stamped(bytes: Buffer, to: From, username: string, byAdmin: boolean): Buffer {
  const body = objectIn(bytes);
  if (body === undefined) {
    return bytes;
  }
  const name = to.slice('body.'.length);
  const key = spellingOf(body, name) ?? name;
  const said = body[key] ?? undefined;
  return said === username || (byAdmin && said !== undefined)
    ? bytes
    : Buffer.from(JSON.stringify({ ...body, [key]: username }));
}

function objectIn(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const body = parseLossless(bytes.toString('utf8') || '{}');
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}
