import type { FastifyRequest } from 'fastify';
import { unavailable } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { Operation } from '../../mlflow/table/match.ts';
import { carryOut, type Executors, rulesBy } from '../../mlflow/table/phases.ts';
import type { From } from '../../mlflow/table/row.ts';
import { ruleOf } from '../../mlflow/table/rule-of.ts';
import { createdAtIn } from '../../mlflow/things/existence.ts';
import { hasPromptTag } from '../../mlflow/things/identifiers.ts';
import { replyJson } from '../../mlflow/upstream/answer-json.ts';
import type { Answer, Exchange, Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Intent, IntentAction } from '../../store/types.ts';
import { isSent, valuesAt } from '../locate/locate.ts';
import { readable } from '../locate/readable.ts';
import { type Adoption, NotThere } from './adopt.ts';
import { askedKindOf } from './places.ts';

export interface TrackOptions {
  readonly upstream: Upstream;
  readonly adoption: Adoption;
}

/** Forwards a create, rename or delete between its intent and what follows from the answer. */
export async function track(
  { upstream, adoption }: TrackOptions,
  sent: Exchange,
  action: IntentAction,
  operation: Operation,
  caller: SignedIn,
): Promise<Answer> {
  const intent = await adoption.open(action, caller.id).catch(ownWords);
  if ('status' in intent) {
    return intent;
  }
  let answer: Answer;
  try {
    answer = await upstream.exchange(sent);
  } catch (error) {
    await adoption.unheard(intent);
    throw error;
  }
  if (answer.status === FAILED) {
    await adoption.failed(intent);
  } else if (answer.status > FAILED && answer.status !== NOT_IMPLEMENTED) {
    await adoption.unheard(intent);
  } else if (answer.status >= 300 || isLaterVersion(operation, answer)) {
    await adoption.refused(intent);
  } else {
    const id = idAfter(intent, operation, answer);
    if (id === undefined) {
      await adoption.unheard(intent);
      throw unavailable('The MLflow server did not say what it has made. Look whether it is there.');
    }
    await adoption.done(asAnswered(intent, answer), id, madeAt(intent, operation, answer));
  }
  return answer;
}

/** A thing that is not there is not forwarded a change of: MLflow has said so in answer to the look-up. */
function ownWords(error: unknown): Answer {
  if (error instanceof NotThere && error.answer !== undefined) {
    return error.answer;
  }
  throw error;
}

/** 500 is MLflow's own failure. 502 and up may be a proxy's, while MLflow still works on it. */
const FAILED = 500;
/** MLflow's answer where a part of it, such as the AI gateway, is turned off: clear, though it looks like a failure. */
const NOT_IMPLEMENTED = 501;
/**
 * Forwards what names nothing that can be read, as an admin may send it. If it makes something all the same, the
 * answer says what, and nobody inherits what an earlier one of that name left.
 */
export async function adoptAnswered(
  { upstream, adoption }: TrackOptions,
  sent: Exchange,
  operation: Operation,
  caller: SignedIn,
): Promise<Answer> {
  const answer = await upstream.exchange(sent);
  const adopt = ruleOf(operation, 'adopt');
  if (adopt?.id === undefined || answer.status >= 300) {
    return answer;
  }
  const id = propertyAt(replyJson(answer), adopt.id);
  if (typeof id !== 'string') {
    return answer;
  }
  const intent = await adoption.open({ action: 'create', kind: adopt.kind, name: id }, caller.id);
  await adoption.done(asAnswered(intent, answer), id, madeAt(intent, operation, answer));
  return answer;
}

/** What a request is about to create, rename or delete; undefined if it names nothing of the kind. */
export function intentOf(operation: Operation, request: FastifyRequest): IntentAction | undefined {
  const [rule] = rulesBy('track', operation.rules);
  const name = rule && text(rule.name, request);
  return rule === undefined || name === undefined
    ? undefined
    : carryOut<'track', [string, FastifyRequest], IntentAction | undefined>(INTENTS, rule, name, request);
}

/** What a request is about to do by each rule, to what it names. */
const INTENTS: Executors<'track', [name: string, FastifyRequest], IntentAction | undefined> = {
  adopt: ({ kind }, name) => ({ action: 'create', kind, name }),
  rename: ({ kind, newName: at }, name, request) => {
    const newName = text(at, request);
    // A rename to the same name moves nothing.
    return newName === undefined || newName === name ? undefined : { action: 'rename', kind, name, newName };
  },
  forget: ({ kind, unless }, name, request) =>
    unless !== undefined && isSent(unless, readable(request)) ? undefined : { action: 'delete', kind, name },
};

function text(from: From, request: FastifyRequest): string | undefined {
  const [value] = valuesAt(from, readable(request));
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Whether what was created is not the thing itself but one more version of it, which is its owners' still. */
function isLaterVersion(operation: Operation, answer: Answer): boolean {
  const at = ruleOf(operation, 'adopt')?.version;
  return at !== undefined && propertyAt(replyJson(answer), at) !== 1;
}

/** Only the answer tells a prompt from a model: MLflow creates both by one operation. */
function asAnswered(intent: Intent, answer: Answer): Intent {
  const isPrompt = hasPromptTag(propertyAt(replyJson(answer), 'registered_model'));
  return intent.action === 'create' && isPrompt ? { ...intent, kind: 'prompt' } : intent;
}

/**
 * What grants are keyed by from now on: the id or name in the upstream's answer, never the one in the request: an
 * experiment may be *named* 7. Undefined for an answer that does not say it, whatever its status.
 */
function idAfter(intent: Intent, operation: Operation, answer: Answer): string | undefined {
  if (intent.action === 'rename') {
    return intent.newName;
  }
  const adopt = ruleOf(operation, 'adopt');
  // An operation without it names what it makes by what cannot be taken for another's id.
  if (adopt?.id === undefined) {
    return intent.name;
  }
  const id = propertyAt(replyJson(answer), adopt.id);
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** When what was created came into being, if the answer shows it whole. */
function madeAt(intent: Intent, operation: Operation, answer: Answer): number | undefined {
  const kind = askedKindOf(intent);
  const [holder, ...rest] = ruleOf(operation, 'adopt')?.id?.split('.') ?? [];
  if (kind === undefined || holder === undefined) {
    return undefined;
  }
  const reply = replyJson(answer);
  return createdAtIn(kind, rest.length === 0 ? reply : propertyAt(reply, holder));
}
