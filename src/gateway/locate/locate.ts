import { invalid, missingParameter } from '../../errors.ts';
import { readJson } from '../../mlflow/read/json.ts';
import { partsOfSkillName, skillName } from '../../mlflow/read/skill-name.ts';
import type { From, Locator } from '../../mlflow/table/row.ts';
import { isCanonical, joinId } from '../../mlflow/things/identifiers.ts';
import type { Action } from '../../policy/permissions.ts';
import type { Reference } from '../reference.ts';
import type { Readable } from './readable.ts';

/**
 * Finds what a request touches, in the words of its row.
 *
 * @throws ApiError 400 if something is missing, named twice differently, or not written as MLflow writes it.
 */
export function locate(locators: readonly Locator[], action: Action, request: Readable): Reference[] {
  // Loops here and below: on the way of every request, flatMap costs more than what it does.
  const references: Reference[] = [];
  for (const locator of locators) {
    if (locator.unless !== undefined && isSent(locator.unless, request)) {
      continue;
    }
    const ids = idsOf(locator, request);
    if (ids.length === 0 && !locator.optional && !(locator.orNone && isEmptyList(locator, request))) {
      throw missingParameter(nameOf(locator.from[0]));
    }
    const [home] = locator.fresh === undefined ? [] : locators;
    for (const id of ids) {
      references.push({
        kind: locator.kind,
        id,
        action: locator.action ?? action,
        ...(home !== undefined && { fresh: { in: idsOf(home, request)[0] } }),
        ...(locator.part !== undefined && { part: locator.part }),
        ...(locator.tierAction !== undefined && { tierAction: locator.tierAction }),
        ...(locator.cameFrom !== undefined && { cameFrom: namedBy(locator.cameFrom, request) }),
      });
    }
  }
  return references;
}

function namedBy(places: NonNullable<Locator['cameFrom']>, request: Readable) {
  return places.flatMap(({ kind, from }) => textsAt(from, request).map((id) => ({ kind, id })));
}

/** Whether the list that a locator walks is there, and empty. */
function isEmptyList({ from }: Locator, request: Readable): boolean {
  return from.some((place) => {
    const [list] = valuesAt(place.slice(0, place.indexOf('[]')) as From, request);
    return Array.isArray(list) && list.length === 0;
  });
}

/** Whether a request holds anything at a place. */
export function isSent(from: From, request: Readable): boolean {
  return valuesAt(from, request).some((value) => value !== undefined && value !== null);
}

function idsOf(locator: Locator, request: Readable): readonly string[] {
  const found = new Set<string>();
  let lists = false;
  for (const from of locator.from) {
    lists ||= from.includes('[]');
    for (const value of textsAt(from, request)) {
      if (!isCanonical(locator.kind, value, locator.loose)) {
        throw invalid(`Parameter '${nameOf(from)}' is not a valid ${locator.kind.replaceAll('_', ' ')} id.`);
      }
      found.add(value);
    }
  }
  if (found.size > 1 && !lists) {
    throw invalid(
      `${locator.from.map((from) => `'${nameOf(from)}'`).join(' and ')} must be the same. Send one.`,
    );
  }
  return [...found];
}

interface Place {
  readonly where: string;
  readonly path: string;
  readonly steps: readonly { readonly name: string; readonly list: boolean }[];
  /** The two places of an id that is made of two values. */
  readonly pair: readonly [From, From] | undefined;
  /** The two places of a skill's name: its organization, which may be left out, and the name in it. */
  readonly skill: readonly [From, From] | undefined;
}

/** Every place of the table, taken apart when it is first asked for. */
const places = new Map<From, Place>();

function placeOf(from: From): Place {
  const known = places.get(from);
  if (known !== undefined) {
    return known;
  }
  const dot = from.indexOf('.');
  const path = from.slice(dot + 1);
  const steps = path.split('.').map((step) => ({ name: step.replace('[]', ''), list: step.endsWith('[]') }));
  const where = from.slice(0, dot);
  const under = (first: string, second: string) =>
    [`${where}.${first}`, `${where}.${second}`] as [From, From];
  const parts = partsOfSkillName(path);
  const skill = parts && under(parts.organization, parts.name);
  const [first = '', second] = parts === undefined ? path.split('/') : [];
  const pair = second === undefined ? undefined : under(first, second);
  const place = { where, path, steps, pair, skill };
  places.set(from, place);
  return place;
}

const NOTHING: readonly unknown[] = [];

/** Every value that stands at a place of the request; empty if none does. */
export function valuesAt(from: From, request: Readable): readonly unknown[] {
  const { where, path, steps, pair, skill } = placeOf(from);
  if (pair !== undefined) {
    return joined(pair, request);
  }
  if (skill !== undefined) {
    return skillNames(skill, request);
  }
  switch (where) {
    case 'path':
      return [request.params[path]];
    case 'query':
      return request.query.get(path.replace('[]', '')) ?? NOTHING;
    case 'header':
      return [request.headers[path]];
    default:
      return walk(request.body, steps, 0, []);
  }
}

/** The ids of what a value names together with each of others; absent where either is. */
function joined([first, second]: readonly [From, From], request: Readable): readonly unknown[] {
  const [holder] = textsAt(first, request);
  return holder === undefined ? NOTHING : textsAt(second, request).map((name) => joinId(holder, name));
}

/** The names of skills, all of one organization or of none. */
function skillNames([organization, name]: readonly [From, From], request: Readable): readonly unknown[] {
  const [holder] = textsAt(organization, request);
  return textsAt(name, request).map((each) => skillName(holder, each));
}

/**
 * Every text at a place of the request that is not empty.
 *
 * @throws ApiError 400 for anything else, which would name something too: a database finds the scorer '7' by the
 *   number 7; and for an empty text in a list.
 */
export function textsAt(from: From, request: Readable): readonly string[] {
  const texts: string[] = [];
  for (const value of valuesAt(from, request)) {
    // MLflow stores it beside the others: what then belongs to nothing can be judged by nobody.
    if (from.includes('[]') && (value === '' || value === null)) {
      throw invalid(`Parameter '${nameOf(from)}' holds an empty id.`);
    }
    if (value === undefined || value === null || value === '') {
      continue;
    }
    if (typeof value !== 'string') {
      throw invalid(`Parameter '${nameOf(from)}' must be a string.`);
    }
    texts.push(value);
  }
  return texts;
}

/** The step into text that holds JSON. */
const JSON_TEXT = '{}';

function readText(value: unknown): unknown {
  if (typeof value !== 'string') {
    throw invalid('Send JSON as text where MLflow reads it from text.');
  }
  return readJson(Buffer.from(value));
}

/** Adds to `found` what the steps lead to. */
function walk(value: unknown, steps: Place['steps'], at: number, found: unknown[]): readonly unknown[] {
  const step = steps[at];
  if (step === undefined) {
    found.push(value);
    return found;
  }
  if (step.name === JSON_TEXT) {
    return walk(readText(value), steps, at + 1, found);
  }
  if (typeof value !== 'object' || value === null) {
    return found;
  }
  const next = (value as Record<string, unknown>)[step.name];
  if (next === undefined || next === null) {
    return found;
  }
  if (!step.list) {
    return walk(next, steps, at + 1, found);
  }
  if (!Array.isArray(next)) {
    throw invalid(`Parameter '${step.name}' must be a list.`);
  }
  for (const item of next) {
    walk(item, steps, at + 1, found);
  }
  return found;
}

/** A place as a client would name it. */
export function nameOf(from: From | undefined): string {
  return (
    from
      ?.slice(from.indexOf('.') + 1)
      .replaceAll('[]', '')
      .replaceAll('.{}', '') ?? ''
  );
}
