import { denied, invalid } from '../../errors.ts';
import type { From, Rule } from '../../mlflow/table/row.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { names } from '../../mlflow/things/trace-keys.ts';
import type { Action } from '../../policy/permissions.ts';
import { nameOf, valuesAt } from './locate.ts';
import type { Readable } from './readable.ts';

/**
 * Holds a request against the rules that need no look-up: fields that only an admin sends, second names
 * for one thing, keys that redirect.
 *
 * @returns the action the row needs, raised where a key asks for more.
 * @throws ApiError 400 or 403.
 */
export function check(rules: readonly Rule[], action: Action, request: Readable): Action {
  let needed = action;
  for (const rule of rules) {
    switch (rule.rule) {
      case 'admin-only':
        for (const from of rule.from) {
          if (isPresent(from, request)) throw denied(`Only an admin may set '${nameOf(from)}': ${rule.why}.`);
        }
        break;
      case 'admin-names': {
        const name = Object.keys(request.body).find((key) => rule.form.test(key));
        if (name !== undefined) throw denied(`Only an admin may set '${name}': ${rule.why}.`);
        break;
      }
      case 'only':
        checkForm(rule, request);
        break;
      case 'absent':
        for (const from of rule.from) {
          if (isPresent(from, request)) throw invalid(`Leave '${nameOf(from)}' out of this request.`);
        }
        break;
      case 'equal':
        checkEqual(rule.from, rule.required ?? false, request);
        break;
      case 'ban-keys':
        for (const from of rule.from) {
          const banned = keysAt(from, request).find((key) => names(rule.keys, key));
          if (banned !== undefined) {
            throw denied(`The key '${banned}' decides where MLflow reads from; only an admin may set it.`);
          }
        }
        break;
      case 'keys-need':
        if (keysAt(rule.from, request).some((key) => rule.keys.test(key))) needed = rule.action;
        break;
      default:
    }
  }
  return needed;
}

function checkForm({ from, form, why }: RuleOf<'only'>, request: Readable): void {
  for (const value of valuesAt(from, request)) {
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string' || !form.test(value)) {
      throw denied(`Only an admin may set '${nameOf(from)}' to this: ${why}.`);
    }
  }
}

function isPresent(from: From, request: Readable): boolean {
  return valuesAt(from, request).some((value) => value !== undefined && value !== null && value !== '');
}

function checkEqual([first, second]: readonly [From, From], required: boolean, request: Readable): void {
  const [a] = valuesAt(first, request);
  const [b] = valuesAt(second, request);
  const given = b !== undefined && b !== null && b !== '';
  if (given ? a !== b : required) {
    throw invalid(`'${nameOf(second)}' in the body must be the '${nameOf(first)}' of the path.`);
  }
}

/** The keys under a place: of a map, of a list of `{key, value}`, or one key itself. */
function keysAt(from: From, request: Readable): string[] {
  return valuesAt(from, request).flatMap((value): string[] => {
    if (typeof value === 'string') return [value];
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown) => {
        const key = (item as { key?: unknown } | null)?.key;
        return typeof key === 'string' ? [key] : [];
      });
    }
    return typeof value === 'object' && value !== null ? Object.keys(value) : [];
  });
}
