import type { FastifyInstance, FastifyRequest } from 'fastify';
import { denied } from '../errors.ts';
import type { SignedIn } from '../identity/principal.ts';
import type { Operation } from '../mlflow/table/match.ts';
import type { Need } from '../mlflow/table/row.ts';
import type { RuleOf } from '../mlflow/table/rule-of.ts';
import { decideOnKind } from '../policy/decide.ts';
import type { Action } from '../policy/permissions.ts';
import { unauthenticated } from './authenticate.ts';
import type { Judge } from './judge/judge.ts';
import { judgeAll } from './judge/judge-all.ts';
import type { Specials } from './judges/special.ts';
import { check } from './locate/check.ts';
import { locate, valuesAt } from './locate/locate.ts';
import { readable } from './locate/readable.ts';

/** Decides whether a request may pass, and remembers why. */
export function authorize(app: FastifyInstance, judge: Judge, specials: Specials): void {
  app.addHook('preHandler', (request, _reply, done) => {
    const { operation, principal } = request.way;
    if (operation?.need === 'public') {
      request.way.because = 'public';
      done();
      return;
    }
    if (principal.kind === 'anonymous') throw unauthenticated('no credentials');
    if (operation?.need === 'nobody') {
      throw denied('This operation is not offered.', `${operation.name} is refused to everyone`);
    }
    if (principal.isAdmin) {
      request.way.because = 'admin';
      done();
      return;
    }
    if (operation === undefined || operation.need === 'admin') {
      throw denied(
        'Only an admin may do this.',
        operation === undefined ? 'no row of the table matches' : `${operation.name} needs an admin`,
      );
    }
    const judging = judgeRow(request, operation, principal, judge, specials);
    if (judging !== undefined) return judging;
    done();
  });
}

/** Answers no promise where everything is known: no turn of the event loop for a run that was asked for before. */
function judgeRow(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  judge: Judge,
  specials: Specials,
): Promise<void> | undefined {
  refuseDeniedKinds(operation.rules, caller, request);
  const needed = check(operation.rules, actionOf(operation.need), readable(request));
  const references = locate(operation.locators, needed, readable(request));
  const judging = judgeAll(request, caller, references, judge);
  const ended = () => {
    request.way.because ||= operation.need;
  };
  if (operation.ruleNames.has('special')) {
    return (judging ?? Promise.resolve())
      .then(() => judgeSpecially(request, operation, caller, specials))
      .then(ended);
  }
  if (judging !== undefined) return judging.then(ended);
  ended();
  return undefined;
}

function refuseDeniedKinds(rules: Operation['rules'], caller: SignedIn, request: FastifyRequest): void {
  for (const rule of rules) {
    if (rule.rule !== 'spare') continue;
    const decision = decideOnKind(caller, rule.kind);
    if (!decision.allow && (rule.when === undefined || isAbout(rule.when, request))) {
      throw denied(`Every ${rule.kind.replaceAll('_', ' ')} is denied to you.`, decision.because);
    }
  }
}

/** Whether a request holds something at one of these places, of this form where one is said. */
function isAbout({ from, form }: NonNullable<RuleOf<'spare'>['when']>, request: FastifyRequest): boolean {
  return from.some((each) =>
    valuesAt(each, readable(request)).some((value) => {
      if (form !== undefined) return typeof value === 'string' && form.test(value);
      return Array.isArray(value) ? value.length > 0 : Boolean(value);
    }),
  );
}

async function judgeSpecially(
  request: FastifyRequest,
  operation: Operation,
  caller: SignedIn,
  specials: Specials,
): Promise<void> {
  for (const rule of operation.rules) {
    if (rule.rule === 'special') await specials[rule.name](request, caller);
  }
}

function actionOf(need: Need): Action {
  return need === 'signed-in' || need === 'public' || need === 'admin' || need === 'nobody' ? 'read' : need;
}
