import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { CHILD_KINDS } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import { replyJson } from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import type { RootKind } from '../../policy/resources.ts';
import type { Store } from '../../store/index.ts';
import type { Judge } from '../judge/judge.ts';
import { refusal } from '../judge/judge-all.ts';
import { visibilityOf } from '../judge/visibility.ts';
import { judgeJob } from '../judges/job.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import { filterOnly, withBody } from '../search/search.ts';

export interface ConcludeOptions {
  readonly lineage: Lineage;
  readonly judge: Judge;
  readonly store: Store;
}

/** What the caller gets of an answer, and what the gateway learns from it. */
export interface Conclude {
  /** Takes out of a list what the caller may not read. */
  keepReadable(answer: Answer, keep: RuleOf<'keep'>, caller: SignedIn): Promise<Answer>;
  /**
   * Does what the rules of the row say follows from an answer.
   *
   * @throws ApiError 403 if the answer names something that the caller may not read.
   */
  afterwards(
    request: FastifyRequest,
    operation: Operation,
    caller: SignedIn,
    answer: Answer,
  ): Promise<Answer>;
  /** Says beside each thing in an answer what the caller may do to it, in the words of MLflow's auth app. */
  tellActions(answer: Answer, rule: RuleOf<'allowed-actions'>, caller: SignedIn): Answer;
}

const ACTIONS = ['use', 'update', 'delete', 'manage'] as const;

const CHILDREN: ReadonlySet<string> = new Set(CHILD_KINDS);

export function createConclude(options: ConcludeOptions): Conclude {
  const { judge } = options;

  async function keepReadable(answer: Answer, keep: RuleOf<'keep'>, caller: SignedIn): Promise<Answer> {
    if (!CHILDREN.has(keep.kind)) {
      return filterOnly(answer, keep, visibilityOf(judge, caller, keep.kind as RootKind));
    }
    if (answer.status !== 200) return answer;
    const ids = listedIn(replyJson(answer), keep.list).map((row) => String(propertyAt(row, keep.id)));
    const allowed = await Promise.all(ids.map((id) => mayKeepChild(caller, keep, id)));
    const readable = new Set(ids.filter((_, index) => allowed[index]));
    return filterOnly(answer, keep, { mayRead: (id) => readable.has(id) });
  }

  async function mayKeepChild(
    caller: SignedIn,
    { kind, action = 'read' }: RuleOf<'keep'>,
    id: string,
  ): Promise<boolean> {
    if (kind === 'job') return (await judgeJob(options, caller, 'read', id)).allow;
    return (await judge.on(caller, { kind, id, action, fresh: false })).allow;
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
          if (!caller.isAdmin) await judgeReply(request, caller, rule, operation, answer);
          break;
        case 'learn':
          learn(rule, answer);
          break;
        case 'own':
          await own(rule, request, caller, answer);
          break;
        case 'redact':
          if (!caller.isAdmin) result = withBody(answer, without(replyJson(answer), rule.fields));
          break;
        default:
      }
    }
    return result;
  }

  async function judgeReply(
    request: FastifyRequest,
    caller: SignedIn,
    rule: RuleOf<'judge-reply'>,
    operation: Operation,
    answer: Answer,
  ) {
    const id = propertyAt(replyJson(answer), rule.id);
    const reference = { kind: rule.kind, id: String(id), action: 'read', fresh: false } as const;
    const decision =
      typeof id === 'string' && id !== ''
        ? await judge.on(caller, reference)
        : { allow: false, because: `the reply to ${operation.name} names no ${rule.kind}` };
    // The id is the upstream's to tell, not ours, to whoever may not read it: the name is what the caller knows.
    const [name] = valuesAt(rule.name, readable(request));
    if (!decision.allow) throw refusal({ ...reference, id: String(name) }, decision);
  }

  function learn(rule: RuleOf<'learn'>, answer: Answer) {
    const reply = replyJson(answer);
    const id = propertyAt(reply, rule.id);
    const root = propertyAt(reply, rule.root);
    if (typeof id === 'string' && typeof root === 'string') options.lineage.learn(rule.kind, id, root);
  }

  async function own(rule: RuleOf<'own'>, request: FastifyRequest, caller: SignedIn, answer: Answer) {
    for (const holder of listedIn(replyJson(answer), rule.list)) {
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

  function tellActions(answer: Answer, rule: RuleOf<'allowed-actions'>, caller: SignedIn): Answer {
    if (answer.status !== 200) return answer;
    const reply = parseLossless(answer.bytes.toString('utf8'));
    for (const thing of listedIn(reply, rule.list)) {
      const root = { kind: rule.kind, id: String(propertyAt(thing, rule.id)) };
      const allowed = ACTIONS.filter((action) => judge.onRoot(caller, action, root).allow);
      Object.assign(Object(thing), { allowed_actions: allowed.map((action) => action.toUpperCase()) });
    }
    return withBody(answer, reply);
  }

  return { keepReadable, afterwards, tellActions };
}

/** What stands in a list of a reply; without a list, the reply is about one thing alone. */
function listedIn(reply: unknown, list: string | undefined): readonly unknown[] {
  if (list === undefined) return [reply];
  const listed = propertyAt(reply, list);
  return Array.isArray(listed) ? listed : [];
}

function without(value: unknown, fields: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !fields.includes(key)));
}
