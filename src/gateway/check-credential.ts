import type { FastifyRequest } from 'fastify';
import { ApiError, denied } from '../errors.ts';
import { opensPage } from '../identity/browser.ts';
import type { SignedIn } from '../identity/principal.ts';
import { effectOf } from '../mlflow/table/effect.ts';
import type { Operation } from '../mlflow/table/match.ts';
import { carryOut, type Executors, rulesBy } from '../mlflow/table/phases.ts';
import type { SpecialName } from '../mlflow/table/row.ts';
import { passwordAddress } from './sign-in-address.ts';

/**
 * Holds a request against what its credential is good for at all, before anything else is asked.
 *
 * @param prefix - before every path of this gateway; empty for none.
 * @throws ApiError 403 that says what to do; for a page, the way to the one where it can be done.
 */
export function checkCredential(request: FastifyRequest, prefix: string): void {
  const { principal, operation } = request.way;
  if (principal.kind !== 'user') {
    return;
  }
  if (principal.mustChangePassword && !isOpen(operation, 'first password')) {
    throw mustChangePassword(request, principal.username, prefix);
  }
  if (principal.ceiling !== undefined && operation !== undefined) {
    checkScope(principal, operation);
  }
}

function mustChangePassword(request: FastifyRequest, username: string, prefix: string): ApiError {
  const because = 'must change the password first';
  if (opensPage(request)) {
    return new ApiError(
      'PERMISSION_DENIED',
      'Your password was chosen by another and must be changed first.',
      {
        ...{ because, status: 303 },
        headers: { location: passwordAddress(prefix, request.url), 'cache-control': 'no-store' },
      },
    );
  }
  return denied(
    `Your password was chosen by another and must be changed first: type mlflow-auth-client update-user-password ${username}, ` +
      `open ${prefix}/auth/password, ` +
      'or send PATCH /api/2.0/mlflow/users/update-password with username, current_password and password.',
    because,
  );
}

/** What a row does is decided by the row itself: one that does not say that it only reads is taken to change something. */
function checkScope({ ceiling }: SignedIn, operation: Operation): void {
  if (ceiling?.access === 'read' && effectOf(operation) !== 'read') {
    throw denied('Your token is for reading only.', `${operation.name} is more than the scope: reading`);
  }
  if (ceiling?.resources === undefined || isOpen(operation, 'scope')) {
    return;
  }
  if (makesName(operation)) {
    throw denied(
      'Your token is confined to some resources and makes no new ones.',
      `${operation.name} makes what the scope does not hold`,
    );
  }
  if (operation.need === 'signed-in' && operation.locators.length === 0 && !isAboutThings(operation)) {
    throw outside(operation);
  }
}

/** Whether a row finds out by itself what it is about, or leaves nothing in its answer that is about something else. */
function isAboutThings(operation: Operation): boolean {
  return (
    isCutDown(operation) ||
    operation.rules.some((rule) => rule.rule === 'special' && JUDGES_THINGS[rule.name])
  );
}

/** Judges that ask what the caller may do to things. The others ask who the caller is: no scope is held against that. */
const JUDGES_THINGS: Readonly<Record<SpecialName, boolean>> = {
  graphql: true,
  otlp: true,
  'review-queue': true,
  job: true,
  'mcp-version': true,
  'assessment-run': true,
  'server-keys': true,
  'detection-schedule': true,
  'online-configs': true,
  'skill-versions': true,
  'model-versions-tag': true,
  'scorer-keys': true,
  'provider-calls': true,
  'model-calls': true,
  'usage-experiment': true,
  grantable: true,
  explainable: true,
  'role-admin': false,
  'role-viewer': false,
  'holder-viewer': false,
};

const outside = (operation: Operation): Error =>
  denied(
    'Your token is confined to some resources, and this is about none of them.',
    `${operation.name} touches nothing that the scope holds`,
  );

/** Whether a row gives something a name that no scope can hold. A scorer lies in its experiment, which is judged. */
function makesName({ rules }: Operation): boolean {
  return rules.some((rule) => rule.rule === 'rename' || (rule.rule === 'adopt' && rule.kind !== 'scorer'));
}

/**
 * Holds a request that was judged against a credential that is confined to some roots: it must have touched one of them,
 * or its answer is cut down to them. What touches nothing is refused unless its row says otherwise.
 *
 * @throws ApiError 403.
 */
export function checkConfined({ way: { judged, operation } }: FastifyRequest, caller: SignedIn): void {
  if (caller.ceiling?.resources === undefined || operation === undefined) {
    return;
  }
  const touches = judged.some(({ allow, roots }) => allow && roots.length > 0);
  if (!touches && !isCutDown(operation) && !isOpen(operation, 'scope')) {
    throw outside(operation);
  }
}

/** Rules that leave nothing in an answer but what the caller may read. */
const CUTTING: ReadonlySet<string> = new Set(['keep', 'narrow', 'judge-reply']);

function isCutDown({ rules }: Operation): boolean {
  return rules.some((rule) => CUTTING.has(rule.rule) || (rule.rule === 'special' && rule.name === 'graphql'));
}

/** What each rule opens an operation to. */
const OPENS_TO: Executors<'credential', [], 'first password' | 'scope'> = {
  'with-first-password': () => 'first password',
  'in-any-scope': () => 'scope',
};

function isOpen(operation: Operation | undefined, to: 'first password' | 'scope'): boolean {
  return rulesBy('credential', operation?.rules ?? []).some(
    (rule) => carryOut<'credential', [], 'first password' | 'scope'>(OPENS_TO, rule) === to,
  );
}
