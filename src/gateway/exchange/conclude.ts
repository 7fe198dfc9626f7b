import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { carryOut, type Executors, phaseOf, type RuleBy } from '../../mlflow/table/phases.ts';
import { type RuleOf, ruleOf } from '../../mlflow/table/rule-of.ts';
import type { Lineage } from '../../mlflow/things/lineage.ts';
import {
  type JsonObject,
  readAnswer,
  readAnswerExactly,
  withBody,
} from '../../mlflow/upstream/answer-json.ts';
import type { Answer } from '../../mlflow/upstream/upstream.ts';
import { refuses } from '../../policy/permissions.ts';
import type { Root, RootKind } from '../../policy/resources.ts';
import type { Store } from '../../store/index.ts';
import type { Judge } from '../judge/judge.ts';
import { refusal } from '../judge/judge-all.ts';
import { valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import type { Reference } from '../reference.ts';
import { noteRefusal } from '../report.ts';
import { filtered } from '../search/page.ts';
import type { Way } from '../way.ts';
import { withoutConcealed } from './conceal.ts';
import { shownTo } from './keep.ts';
import { withLink } from './link-pages.ts';
import { listedIn } from './listed-in.ts';
import { isWithheld, withoutWithheld } from './withhold.ts';

export interface ConcludeOptions {
  readonly lineage: Lineage;
  readonly judge: Judge;
  readonly store: Store;
}

/** The request that an answer is to. */
export interface Asked {
  readonly request: FastifyRequest;
  readonly operation: Operation;
  readonly caller: SignedIn;
  /** As the upstream gave it. */
  readonly answered: Answer;
}

/**
 * Does what the rules of a row say follows from an answer, one after the other, each on what the one before has left.
 *
 * @returns what the caller gets of it.
 * @throws ApiError 403 if the answer names something that the caller may not read; 503 if it cannot be read.
 */
export type Conclude = (asked: Asked) => Promise<Answer>;

/** What one rule makes of an answer. */
type Steps = Executors<'reply', [Answer, Asked], Answer | Promise<Answer>>;

const ACTIONS = ['use', 'update', 'delete', 'manage'] as const;

/** Whether a rule concerns the reply to a caller: some take something only from callers who are judged. */
export function concerns(
  rule: RuleBy<'reply'>,
  caller: SignedIn,
  { unrestricted, reported }: Pick<Way, 'unrestricted' | 'reported'>,
): boolean {
  if (unrestricted && phaseOf(rule).reply !== 'all') {
    // Judged to be noted.
    return reported && rule.rule === 'judge-reply';
  }
  return rule.rule !== 'withhold' || isWithheld(rule, caller);
}

export function createConclude(options: ConcludeOptions): Conclude {
  const { judge, lineage, store } = options;

  const steps: Steps = {
    // A search that is paged was filtered while it was made.
    keep: (rule, answer, { request, caller }) =>
      rule.paging === undefined
        ? filtered(answer, { listed: false, ...rule }, shownTo(options, request, caller, rule))
        : answer,
    'judge-reply': async (rule, answer, asked) => {
      const { way } = asked.request;
      const judging = judgeReply(judge, rule, asked);
      await (way.reported && way.unrestricted ? judging.catch((error) => noteRefusal(way, error)) : judging);
      return answer;
    },
    learn: ({ kind, id, root }, answer, { answered }) => {
      const reply = readAnswer(answered);
      const [child, parent] = [propertyAt(reply, id), propertyAt(reply, root)];
      if (typeof child === 'string' && typeof parent === 'string') {
        lineage.learn(kind, child, parent);
      }
      return answer;
    },
    own: async (rule, answer, asked) => {
      await own(store, rule, asked);
      return answer;
    },
    redact: ({ fields }, answer) => withBody(answer, without(readAnswerExactly(answer), fields)),
    'link-pages': (_, answer, { request }) => withLink(answer, request.raw.headers['if-none-match']),
    'allowed-actions': (rule, answer, asked) => tellActions(judge, answer, rule, asked),
    withhold: (rule, answer, { caller }) => withoutWithheld(answer, rule, caller),
    conceal: (rule, answer, { caller }) =>
      withoutConcealed(answer, rule, (id) => judge.onRoot(caller, 'read', rootOf(rule.kind, id)).allow),
  };

  return async (asked) => {
    const { request, operation, caller, answered } = asked;
    if (answered.status !== 200) {
      return answered;
    }
    const { rewrite } = request.way;
    let answer = rewrite === undefined ? answered : withBody(answered, rewrite(readAnswerExactly(answered)));
    for (const rule of operation.by.reply) {
      if (concerns(rule, caller, request.way)) {
        answer = await carryOut<'reply', [Answer, Asked], Answer | Promise<Answer>>(
          steps,
          rule,
          answer,
          asked,
        );
      }
    }
    return answer;
  };
}

async function judgeReply(
  judge: Judge,
  rule: RuleOf<'judge-reply'>,
  { request, operation, caller, answered }: Asked,
): Promise<void> {
  const id = propertyAt(readAnswer(answered), rule.id);
  const reference: Reference = { kind: rule.kind, id: String(id), action: 'read' };
  const judgement =
    typeof id === 'string' && id !== ''
      ? await judge.on(caller, reference)
      : { allow: false, because: `the reply to ${operation.name} names no ${rule.kind}`, roots: [] };
  request.way.judged = [{ ...judgement, reference }];
  request.way.because = judgement.because;
  if (!judgement.allow) {
    // The id is not told to a caller who may not read it: the name is what the caller knows.
    const [name] = valuesAt(rule.name, readable(request));
    throw refusal({ ...reference, id: String(name) }, judgement);
  }
}

async function own(
  { owners }: Store,
  rule: RuleOf<'own'>,
  { request, caller, answered }: Asked,
): Promise<void> {
  const [experimentId] = rule.experiment === undefined ? [] : valuesAt(rule.experiment, readable(request));
  for (const holder of listedIn(readAnswer(answered), rule.list)) {
    const id = propertyAt(holder, rule.id);
    if (typeof id !== 'string') {
      continue;
    }
    await owners.record(rule.kind, id, {
      userId: caller.id,
      experimentId: typeof experimentId === 'string' ? experimentId : undefined,
    });
  }
}

/** Says beside each thing in an answer what the caller may do to it, in the words of MLflow's auth app. */
function tellActions(
  judge: Judge,
  answer: Answer,
  rule: RuleOf<'allowed-actions'>,
  { operation, caller }: Asked,
): Answer {
  const reply = readAnswerExactly(answer);
  // What the creator has just been given is not among the grants that the request came with.
  const isNew = ruleOf(operation, 'adopt') !== undefined;
  for (const thing of listedIn(reply, rule.list)) {
    const root = { kind: rule.kind, id: String(propertyAt(thing, rule.id)) };
    const isDenied = caller.grantsOn(root).some(({ permission }) => refuses(permission));
    const allowed = ACTIONS.filter(
      (action) => (isNew && !isDenied) || judge.onRoot(caller, action, root).allow,
    );
    Object.assign(thing, { allowed_actions: allowed.map((action) => action.toUpperCase()) });
  }
  return withBody(answer, reply);
}

/** What is concealed by the name of a model is never a prompt. */
function rootOf(kind: RootKind, id: string): Root {
  return kind === 'registered_model' ? { kind, id, isPrompt: false } : { kind, id };
}

function without(reply: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(reply).filter(([key]) => !fields.includes(key)));
}
