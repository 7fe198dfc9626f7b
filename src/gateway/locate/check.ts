import { denied, invalid } from '../../errors.ts';
import type { SignedIn } from '../../identity/principal.ts';
import { carryOut, type Executors, type RuleBy } from '../../mlflow/table/phases.ts';
import type { From } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { needOfKey } from '../../mlflow/things/acted-on-keys.ts';
import { names } from '../../mlflow/things/key-names.ts';
import { decideOnKind } from '../../policy/decide.ts';
import type { Action } from '../../policy/permissions.ts';
import { nameOf, valuesAt } from './locate.ts';
import type { Readable } from './readable.ts';

/** What the rules that need no look-up are held against. */
interface Held {
  readonly request: Readable;
  readonly caller: SignedIn;
}

/** Answers the action that a rule raises the row's need to, if it does. */
const CHECKS: Executors<'check', [Held], Action | undefined> = {
  'admin-only': ({ from, why }, { request }) => {
    for (const each of from) {
      if (isPresent(each, request)) {
        throw denied(`Only an admin may set '${nameOf(each)}': ${why}.`);
      }
    }
    return undefined;
  },
  'admin-names': ({ form, why }, { request }) => {
    const name = Object.keys(request.body).find((key) => form.test(key));
    if (name !== undefined) {
      throw denied(`Only an admin may set '${name}': ${why}.`);
    }
    return undefined;
  },
  only: (rule, { request }) => checkForm(rule, request),
  absent: ({ from }, { request }) => {
    for (const each of from) {
      if (isPresent(each, request)) {
        throw invalid(`Leave '${nameOf(each)}' out of this request.`);
      }
    }
    return undefined;
  },
  equal: ({ from, required = false }, { request }) => checkEqual(from, required, request),
  keys: ({ holder, from }, { request }) => {
    let raised: Action | undefined;
    for (const key of from.flatMap((each) => keysAt(each, request))) {
      const asked = needOfKey(holder, key);
      if (asked?.needs === 'admin') {
        throw denied(`Only an admin may set or delete the key '${key}': ${asked.why}.`);
      }
      raised = asked?.needs ?? raised;
    }
    return raised;
  },
  'keys-need': ({ from, keys, action }, { request }) =>
    keysAt(from, request).some((key) => names(keys, key)) ? action : undefined,
  'unless-denied': ({ kind, when }, { request, caller }) => {
    const decision = decideOnKind(caller, kind);
    if (!decision.allow && (when === undefined || isAbout(when, request))) {
      throw denied(`Every ${kind.replaceAll('_', ' ')} is denied to you.`, decision.because);
    }
    return undefined;
  },
};

/**
 * Holds a request against the rules that need no look-up: fields that only an admin sends, second names for one thing,
 * keys that redirect, kinds of things that are denied to the caller.
 *
 * @returns the action the row needs, raised where a key asks for more.
 * @throws ApiError 400 or 403.
 */
export function check(
  rules: readonly RuleBy<'check'>[],
  action: Action,
  request: Readable,
  caller: SignedIn,
): Action {
  let needed = action;
  for (const rule of rules) {
    needed = carryOut(CHECKS, rule, { request, caller }) ?? needed;
  }
  return needed;
}

/** Whether a request holds something at one of these places, of this form where one is said. */
function isAbout({ from, form }: NonNullable<RuleOf<'unless-denied'>['when']>, request: Readable): boolean {
  return from.some((each) =>
    valuesAt(each, request).some((value) => {
      if (form !== undefined) {
        return typeof value === 'string' && form.test(value);
      }
      return Array.isArray(value) ? value.length > 0 : Boolean(value);
    }),
  );
}

function checkForm({ from, form, why }: RuleOf<'only'>, request: Readable): undefined {
  for (const value of valuesAt(from, request)) {
    if (value === undefined || value === null) {
      continue;
    }
    if (typeof value !== 'string' || !form.test(value)) {
      throw denied(`Only an admin may set '${nameOf(from)}' to this: ${why}.`);
    }
  }
  return undefined;
}

function isPresent(from: From, request: Readable): boolean {
  return valuesAt(from, request).some((value) => value !== undefined && value !== null && value !== '');
}

function checkEqual([first, second]: readonly [From, From], required: boolean, request: Readable): undefined {
  const [a] = valuesAt(first, request);
  const [b] = valuesAt(second, request);
  const given = b !== undefined && b !== null && b !== '';
  if (given ? a !== b : required) {
    throw invalid(`'${nameOf(second)}' in the body must be the '${nameOf(first)}' of the path.`);
  }
  return undefined;
}

/** The keys under a place: of a map, of a list of `{key, value}`, or one key itself. */
function keysAt(from: From, request: Readable): string[] {
  return valuesAt(from, request).flatMap((value): string[] => {
    if (typeof value === 'string') {
      return [value];
    }
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown) => {
        const key = (item as { key?: unknown } | null)?.key;
        return typeof key === 'string' ? [key] : [];
      });
    }
    return typeof value === 'object' && value !== null ? Object.keys(value) : [];
  });
}
