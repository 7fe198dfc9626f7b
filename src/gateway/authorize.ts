import type { FastifyInstance, FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import { actionOf } from '../mlflow/table/effect.ts';
import type { Operation } from '../mlflow/table/match.ts';
import type { Locator } from '../mlflow/table/row.ts';
import type { Action } from '../policy/permissions.ts';
import type { Reply } from '../reply.ts';
import { checkConfined, checkCredential } from './check-credential.ts';
import type { Judge } from './judge/judge.ts';
import { checkMaking, judgeAll } from './judge/judge-all.ts';
import { askSpecial, type Specials } from './judges/special.ts';
import { check } from './locate/check.ts';
import { locate } from './locate/locate.ts';
import { type Readable, readable } from './locate/readable.ts';
import type { Reference } from './reference.ts';
import { sendReply } from './reply.ts';
import { type Enforcement, isReported, judgeOnPaper, managing } from './report.ts';

/**
 * Decides whether a request may pass, and remembers why. Answers no promise where everything is known: no turn of the
 * event loop for a run that was asked for before.
 *
 * @returns a promise of the answer to give in place of the upstream's, where a judge has one.
 * @throws ApiError if it may not.
 */
export type Decide = (request: FastifyRequest) => Promise<Reply | undefined> | undefined;

/** Has every request decided on. */
export function authorize(app: FastifyInstance, decide: Decide): void {
  app.addHook('preHandler', (request, reply, done) => {
    const deciding = decide(request);
    if (deciding !== undefined) {
      return deciding.then((answer) => answer && sendReply(reply, answer));
    }
    done();
    return undefined;
  });
}

export interface DecideOptions {
  readonly judge: Judge;
  /** Whether MLflow's operations are refused, or only noted. */
  readonly enforcement: Enforcement;
  /** Before every path of this gateway; empty for none. */
  readonly staticPrefix: string;
}

export function createDecide(
  { judge, enforcement, staticPrefix }: DecideOptions,
  specials: Specials,
): Decide {
  const judgeAs = (request: FastifyRequest, caller: SignedIn) =>
    judgeRequest(request, caller, judge, specials);

  return (request) => {
    const { operation, principal, unrestricted } = request.way;
    if (operation?.need === 'public' || principal.kind === 'anonymous') {
      request.way.because = 'public';
      return undefined;
    }
    checkCredential(request, staticPrefix);
    if (operation?.need === 'nobody') {
      throw denied('This operation is not offered.', `${operation.name} is refused to everyone`);
    }
    if (unrestricted) {
      request.way.because = 'admin';
      return undefined;
    }
    return isReported(request.way, enforcement)
      ? letPass(request, principal, judgeAs)
      : judgeAs(request, principal);
  };
}

/** Notes what would be decided, and lets a request pass all the same, within the scope of its credential. */
async function letPass(
  request: FastifyRequest,
  caller: SignedIn,
  judgeAs: (request: FastifyRequest, caller: SignedIn) => Promise<Reply | undefined> | undefined,
): Promise<Reply | undefined> {
  const { way } = request;
  way.reported = true;
  // What could not be read cannot be judged either.
  if (way.refusal === undefined) {
    await judgeOnPaper(request, () => judgeAs(request, caller));
  }
  if (caller.ceiling !== undefined) {
    const manager = managing(caller);
    way.principal = manager;
    return judgeAs(request, manager);
  }
  way.unrestricted = true;
  return undefined;
}

function judgeRequest(
  request: FastifyRequest,
  caller: SignedIn,
  judge: Judge,
  specials: Specials,
): Promise<Reply | undefined> | undefined {
  const { operation } = request.way;
  if (operation === undefined || operation.need === 'admin') {
    throw denied(
      'Only an admin may do this.',
      operation === undefined ? 'no row of the table matches' : `${operation.name} needs an admin`,
    );
  }
  return judgeRow(request, operation, caller, judge, specials);
}

function judgeRow(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  judge: Judge,
  specials: Specials,
): Promise<Reply | undefined> | undefined {
  if (operation.need === 'signed-in' && makesRoot(operation)) {
    checkMaking(judge, caller);
  }
  const needed = check(operation.by.check, actionOf(operation.need) ?? 'read', readable(request), caller);
  const judging = judgeNamed(request, operation, caller, needed, judge);
  const ended = (answer?: Reply): Reply | undefined => {
    checkConfined(request, caller);
    request.way.because ||= operation.need;
    return answer;
  };
  if (operation.by.judge.length > 0) {
    return (judging ?? Promise.resolve())
      .then(() => judgeSpecially(request, operation, caller, specials))
      .then(ended);
  }
  if (judging !== undefined) {
    return judging.then(() => ended());
  }
  ended();
  return undefined;
}

/** Whether an operation makes something that lies in no other thing. A scorer lies in its experiment, which is judged. */
const makesRoot = ({ by }: Operation): boolean =>
  by.track.some((rule) => rule.rule === 'adopt' && rule.kind !== 'scorer');

/**
 * Judges everything that a request names. A caller who is refused what stands first is told that, and not how to write
 * what follows it.
 */
function judgeNamed(
  request: FastifyRequest,
  { locators }: Operation,
  caller: SignedIn,
  needed: Action,
  judge: Judge,
): Promise<void> | undefined {
  const sent = readable(request);
  let references: readonly Reference[];
  try {
    references = locate(locators, needed, sent);
  } catch (error) {
    const judging = judgeAll(request, caller, locatedFirst(locators, needed, sent), judge);
    return (judging ?? Promise.resolve()).then(() => {
      throw error;
    });
  }
  return judgeAll(request, caller, references, judge);
}

/** What is named before the first thing that cannot be read. */
function locatedFirst(locators: readonly Locator[], needed: Action, sent: Readable): readonly Reference[] {
  let references: readonly Reference[] = [];
  try {
    for (const index of locators.keys()) {
      references = locate(locators.slice(0, index + 1), needed, sent);
    }
  } catch {
    // The caller of this throws the same.
  }
  return references;
}

/** Asks each judge of its own in the order of the row; the first that has an answer ends it. */
async function judgeSpecially(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  specials: Specials,
): Promise<Reply | undefined> {
  for (const rule of operation.by.judge) {
    const answer = await askSpecial(specials, rule, request, caller);
    if (answer !== undefined) {
      return answer;
    }
  }
  return undefined;
}
