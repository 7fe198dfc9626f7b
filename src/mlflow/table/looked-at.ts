import type { Wanted } from '../read/skim.ts';
import type { From, Locator, Rule } from './row.ts';

/** What of a body is looked at by rules that look at no more of it than they say; a rule that is not here may look at all. */
function placesOf(rule: Rule): readonly From[] | undefined {
  switch (rule.rule) {
    case 'keys':
      return rule.from;
    case 'with-first-password':
    case 'in-any-scope':
      return [];
    default:
      return undefined;
  }
}

/** What of the body of its requests a row looks at; undefined where it may be more than can be said of single fields. */
export function lookedAtBy(locators: readonly Locator[], rules: readonly Rule[]): Wanted | undefined {
  const byRules = rules.map(placesOf);
  if (byRules.includes(undefined) || locators.some(({ cameFrom }) => cameFrom !== undefined)) {
    return undefined;
  }
  const byLocators = locators.flatMap(({ from, unless }) => [
    ...from,
    ...(unless === undefined ? [] : [unless]),
  ]);
  const wanted = new Map<string, 'whole' | Map<string, 'whole'>>();
  for (const place of [...byLocators, ...byRules.flatMap((places) => places ?? [])]) {
    if (place.startsWith('body.') && !want(wanted, place)) {
      return undefined;
    }
  }
  return wanted;
}

/** A field, or a field of each item of a list. */
const PLACE = /^body\.(\w+)(?:\[\]\.(\w+))?$/;

/** Notes a place of the body; false for one that is no single field. */
function want(wanted: Map<string, 'whole' | Map<string, 'whole'>>, place: From): boolean {
  const [, name, part] = PLACE.exec(place) ?? [];
  if (name === undefined) {
    return false;
  }
  const before = wanted.get(name);
  const parts = before === undefined || before === 'whole' ? new Map<string, 'whole'>() : before;
  wanted.set(name, part === undefined || before === 'whole' ? 'whole' : parts.set(part, 'whole'));
  return true;
}
