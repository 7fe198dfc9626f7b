import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '../identity/principal.ts';
import { exchangeHeaders, replyHeaders } from '../mlflow/headers.ts';
import type { Lineage } from '../mlflow/lineage.ts';
import type { Operation } from '../mlflow/match.ts';
import { parseLossless } from '../mlflow/read/lossless.ts';
import { CHILD_KINDS, type ChildKind, type From, type ReferenceKind, type Rule } from '../mlflow/row.ts';
import type { Answer, Exchange, Upstream } from '../mlflow/upstream.ts';
import type { RootKind } from '../policy/resources.ts';
import type { Store } from '../store/index.ts';
import type { Intent, IntentAction } from '../store/types.ts';
import type { Adoption } from './adopt.ts';
import { type Judge, readable, refusal } from './authorize.ts';
import { valuesAt } from './locate.ts';
import { narrowBody, spellingOf } from './narrow.ts';
import { filterOnly, type Search, searchVisible, withBody } from './search.ts';
import { visibilityOf } from './visibility.ts';

type RuleOf<Name extends Rule['rule']> = Extract<Rule, { rule: Name }>;

export interface ExchangeOptions {
  readonly upstream: Upstream;
  readonly lineage: Lineage;
  readonly judge: Judge;
  readonly adoption: Adoption;
  readonly store: Store;
}

/** Rules for which the reply is read before anything of it is sent; those of the second set only for users. */
const READ_FOR_EVERYBODY: ReadonlySet<Rule['rule']> = new Set(['adopt', 'rename', 'forget', 'own', 'learn']);
const READ_FOR_USERS: ReadonlySet<Rule['rule']> = new Set(['keep', 'judge-reply', 'redact']);

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);

/**
 * Handles the operations whose reply matters to the gateway: searches that are filtered, creates whose
 * reply names the new thing, replies that alone tell what was touched. All others are left to stream.
 */
export function exchange(app: FastifyInstance, options: ExchangeOptions): void {
  const { upstream, judge, adoption } = options;
  const capabilities = createCapabilities(upstream);

  app.addHook('preHandler', (request, reply, done) => {
    const { operation, principal } = request.way;
    if (operation === undefined || principal.kind === 'anonymous') {
      done();
      return;
    }
    prepare(request, operation, principal, judge, reply);
    const read = request.way.rewrite !== undefined || readsReply(operation, principal);
    if (reply.sent || !read) {
      if (!reply.sent) done();
      return;
    }
    return handle(request, operation, principal).then((answer) => send(reply, answer));
  });

  async function handle(request: FastifyRequest, operation: Operation, caller: SignedIn): Promise<Answer> {
    const sent = toExchange(request, upstream);
    const keep = caller.isAdmin ? undefined : ruleOf(operation, 'keep');
    if (keep?.paging !== undefined) {
      const { paging } = keep;
      const visibility = visibilityOf(judge, caller, keep.kind as RootKind);
      const search: Search = {
        request: sent,
        list: keep.list,
        id: keep.id,
        paging,
        pushesDown: () => capabilities(operation, keep),
      };
      return searchVisible(upstream, search, visibility);
    }
    const action = intentOf(operation, request);
    const answer =
      action === undefined ? await upstream.exchange(sent) : await tracked(sent, action, operation, caller);
    return keep === undefined
      ? afterwards(request, operation, caller, answer)
      : keepReadable(answer, keep, caller);
  }

  /** Forwards a create, rename or delete between its intent and what follows from the answer. */
  async function tracked(
    sent: Exchange,
    action: IntentAction,
    operation: Operation,
    caller: SignedIn,
  ): Promise<Answer> {
    const intent = await adoption.open(action, caller.id);
    let answer: Answer;
    try {
      answer = await upstream.exchange(sent);
    } catch (error) {
      adoption.unheard(intent);
      throw error;
    }
    if (answer.status >= 500) adoption.unheard(intent);
    else if (answer.status >= 300) await adoption.refused(intent);
    else await adoption.done(intent, idAfter(intent, operation, answer));
    return answer;
  }

  async function keepReadable(answer: Answer, keep: RuleOf<'keep'>, caller: SignedIn): Promise<Answer> {
    if (!CHILDREN.has(keep.kind)) {
      return filterOnly(answer, keep, visibilityOf(judge, caller, keep.kind as RootKind));
    }
    if (answer.status !== 200) return answer;
    const rows = propertyAt(parse(answer), keep.list);
    const ids = Array.isArray(rows) ? rows.map((row: unknown) => String(propertyAt(row, keep.id))) : [];
    const allowed = await Promise.all(ids.map((id) => mayReadChild(caller, keep.kind, id)));
    const readable = new Set(ids.filter((_, index) => allowed[index]));
    return filterOnly(answer, keep, { mayRead: (id) => readable.has(id) });
  }

  async function mayReadChild(caller: SignedIn, kind: ReferenceKind, id: string): Promise<boolean> {
    if (kind === 'job') {
      const owner = await options.store.owners.get(kind, id);
      if (owner !== undefined) return owner.userId === caller.id;
    }
    return (await judge.on(caller, { kind, id, action: 'read', fresh: false })).allow;
  }

  async function afterwards(
    request: FastifyRequest,
    operation: Operation,
    caller: SignedIn,
    answer: Answer,
  ): Promise<Answer> {
    if (answer.status !== 200) return answer;
    let result = answer;
    const { rewrite } = request.way;
    if (rewrite !== undefined)
      result = withBody(answer, rewrite(parseLossless(answer.bytes.toString('utf8'))));
    for (const rule of operation.rules) {
      switch (rule.rule) {
        case 'judge-reply':
          if (!caller.isAdmin) await judgeReply(caller, rule, operation, answer);
          break;
        case 'learn':
          learn(rule, answer);
          break;
        case 'own':
          await own(rule, request, caller, answer);
          break;
        case 'redact':
          if (!caller.isAdmin) result = withBody(answer, without(parse(answer), rule.fields));
          break;
        default:
      }
    }
    return result;
  }

  async function judgeReply(
    caller: SignedIn,
    rule: RuleOf<'judge-reply'>,
    operation: Operation,
    answer: Answer,
  ) {
    const id = propertyAt(parse(answer), rule.id);
    const reference = { kind: rule.kind, id: String(id), action: 'read', fresh: false } as const;
    const decision =
      typeof id === 'string'
        ? await judge.on(caller, reference)
        : { allow: false, because: `the reply to ${operation.name} names no ${rule.kind}` };
    // The id is the upstream's to tell, not ours, to whoever may not read it.
    if (!decision.allow) throw refusal({ ...reference, id: 'of that name' }, decision);
  }

  function learn(rule: RuleOf<'learn'>, answer: Answer) {
    const reply = parse(answer);
    const id = propertyAt(reply, rule.id);
    const root = propertyAt(reply, rule.root);
    if (typeof id === 'string' && typeof root === 'string') options.lineage.learn(rule.kind, id, root);
  }

  async function own(rule: RuleOf<'own'>, request: FastifyRequest, caller: SignedIn, answer: Answer) {
    const reply = parse(answer);
    const holders = rule.list === undefined ? [reply] : (propertyAt(reply, rule.list) as unknown);
    for (const holder of Array.isArray(holders) ? holders : []) {
      const id = propertyAt(holder, rule.id);
      if (typeof id !== 'string') continue;
      const [experimentId] =
        rule.experiment === undefined ? [] : valuesAt(rule.experiment, readable(request));
      await options.store.owners.record(rule.kind, id, {
        userId: caller.id,
        experimentId: typeof experimentId === 'string' ? experimentId : undefined,
      });
    }
  }
}

/** Changes to the request that need no answer: lists narrowed, claims overwritten, local answers. */
function prepare(
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
    } else if (rule.rule === 'stamp') {
      request.way.bytes = stamped(request.way.bytes, rule.to, caller.username);
    }
  }
}

/** A body in which the caller's name stands where the client may have written another. */
function stamped(bytes: Buffer, to: From, username: string): Buffer {
  const body = parseLossless(bytes.toString('utf8') || '{}') as Record<string, unknown>;
  const name = to.slice('body.'.length);
  const key = spellingOf(body, name) ?? name;
  return body[key] === username ? bytes : Buffer.from(JSON.stringify({ ...body, [key]: username }));
}

function readsReply(operation: Operation, caller: SignedIn): boolean {
  return operation.rules.some(
    ({ rule }) => READ_FOR_EVERYBODY.has(rule) || (!caller.isAdmin && READ_FOR_USERS.has(rule)),
  );
}

function intentOf(operation: Operation, request: FastifyRequest): IntentAction | undefined {
  for (const rule of operation.rules) {
    if (rule.rule !== 'adopt' && rule.rule !== 'rename' && rule.rule !== 'forget') continue;
    const { kind } = rule;
    const name = text(rule.name, request);
    if (name === undefined) return undefined;
    if (rule.rule === 'adopt') return { action: 'create', kind, name };
    if (rule.rule === 'forget') return { action: 'delete', kind, name };
    const newName = text(rule.newName, request);
    return newName === undefined ? undefined : { action: 'rename', kind, name, newName };
  }
  return undefined;
}

function text(from: From, request: FastifyRequest): string | undefined {
  const [value] = valuesAt(from, readable(request));
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What grants are keyed by from now on: the id or name in the upstream's answer, not in the request. */
function idAfter(intent: Intent, operation: Operation, answer: Answer): string {
  if (intent.action === 'rename') return intent.newName;
  const adopt = ruleOf(operation, 'adopt');
  const id = adopt === undefined ? undefined : propertyAt(parse(answer), adopt.id);
  return typeof id === 'string' ? id : intent.name;
}

function toExchange(request: FastifyRequest, upstream: Upstream): Exchange {
  const { way } = request;
  const headers = exchangeHeaders(request.raw.headers, {
    host: upstream.host,
    ip: request.ip,
    protocol: request.protocol,
  });
  const { path, rawQuery } = way.target;
  return {
    method: request.raw.method ?? 'GET',
    target: rawQuery === undefined ? path : `${path}?${rawQuery}`,
    headers,
    ...(way.bytes !== undefined && way.bytes.length > 0 && { body: way.bytes }),
  };
}

/** Sends an answer that was read whole. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const headers = replyHeaders(answer.headers);
  delete headers['content-length'];
  return reply.code(answer.status).headers(headers).send(answer.bytes);
}

function ruleOf<Name extends Rule['rule']>(operation: Operation, name: Name): RuleOf<Name> | undefined {
  return operation.rules.find((rule): rule is RuleOf<Name> => rule.rule === name);
}

function parse(answer: Answer): unknown {
  try {
    return JSON.parse(answer.bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function propertyAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (holder, key) =>
        typeof holder === 'object' && holder !== null ? (holder as Record<string, unknown>)[key] : undefined,
      value,
    );
}

function without(value: unknown, fields: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !fields.includes(key)));
}

/**
 * Whether the upstream's filter language takes `column IN (…)`: found out by asking once for each version
 * it says it is, as it came with some release and an unknown filter is only a 400.
 */
function createCapabilities(
  upstream: Upstream,
): (operation: Operation, keep: RuleOf<'keep'>) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>();
  return async ({ name, path }, { paging }) => {
    const key = `${name} ${await upstream.version()}`;
    const probe = known.get(key) ?? ask(path, paging?.pushDown ?? '');
    known.set(key, probe);
    probe.catch(() => known.delete(key));
    return probe;
  };

  async function ask(path: string, column: string): Promise<boolean> {
    const target = `/${path.replace(/^2\.0 /, 'api/2.0/mlflow/')}`;
    const filter = encodeURIComponent(`${column} IN ('0')`);
    const { status } = await upstream.exchange({
      method: 'GET',
      target: `${target}?max_results=1&filter=${filter}`,
    });
    return status === 200;
  }
}

export type { ChildKind };
