import { invalid } from '../../errors.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { RuleOf } from '../../mlflow/table/rule-of.ts';
import { isCanonical, noneOf } from '../../mlflow/things/identifiers.ts';
import type { Visibility } from '../judge/visibility.ts';
import type { OpenWay } from '../way.ts';

/** More ids than this are not written into a request that names none: a query, or the database, may not take them. */
const MOST_WRITTEN = 1000;

type Narrow = RuleOf<'narrow'>;

/** What decides on each id of a list; and all that there may be, for a list that names none. */
export type Narrowing = Pick<Visibility, 'mayRead' | 'only'>;

/**
 * Takes out of a request's list of ids what the caller may not read, as MLflow's own auth app does: a comparison of
 * several experiments shows those one may see. Where nothing is left, MLflow is asked about what is not there, so that
 * the answer, or what is wrong with the request, is its own. A request that goes on as it came is not written anew.
 *
 * @throws ApiError 400 for an element that names nothing, or not as MLflow writes it.
 */
export function narrow(way: OpenWay, rule: Narrow, visibility: Narrowing): void {
  if (rule.from.startsWith('query.')) {
    narrowQuery(way, rule, visibility);
  } else if (way.bytes !== undefined) {
    way.bytes = narrowBody(way.bytes, rule, visibility);
  }
}

/** The body to forward. */
export function narrowBody(bytes: Buffer, rule: Narrow, visibility: Narrowing): Buffer {
  const name = nameOf(rule);
  const body = parseLossless(bytes.length === 0 ? '{}' : bytes.toString('utf8')) as Record<string, unknown>;
  const key = spellingOf(body, name) ?? name;
  const list = body[key] ?? undefined;
  if (list !== undefined && !Array.isArray(list)) {
    throw invalid(`Parameter '${name}' must be a list.`);
  }
  const ids = narrowed(list, rule, visibility);
  return ids === undefined ? bytes : Buffer.from(JSON.stringify({ ...body, [key]: ids }));
}

function narrowQuery(way: OpenWay, rule: Narrow, visibility: Narrowing): void {
  const name = nameOf(rule);
  const ids = narrowed(way.query.get(name), rule, visibility);
  if (ids === undefined) {
    return;
  }
  const others = [...way.query].filter(([key]) => key !== name);
  const params = others.flatMap(([key, values]) => values.map((value) => [key, value] as [string, string]));
  const query = new URLSearchParams([...params, ...ids.map((id) => [name, id] as [string, string])]);
  way.target = { ...way.target, rawQuery: query.toString() };
}

const nameOf = ({ from }: Narrow): string => from.slice(from.indexOf('.') + 1);

/** The list to ask with; undefined if it is the one that was sent. */
function narrowed(
  sent: readonly unknown[] | undefined,
  { from, kind, unnamed }: Narrow,
  { mayRead, only }: Narrowing,
): readonly string[] | undefined {
  const orNone = (ids: readonly string[]) => (ids.length === 0 ? [noneOf(kind)] : ids);
  if (sent === undefined || sent.length === 0) {
    // MLflow takes this for nothing, or for all. For all, the ids that the caller may read are written in its place; where
    // they cannot be listed, or are too many, `keep` looks at each row of the reply.
    return unnamed === 'nothing' || only === undefined || only.length > MOST_WRITTEN
      ? undefined
      : orNone(only);
  }
  // Where MLflow makes text of numbers, the reading has let them through.
  const ids = sent.map((id) => (typeof id === 'string' ? id : JSON.stringify(id)));
  const readable = ids.filter((id) => {
    if (isCanonical(kind, id)) {
      return mayRead(id);
    }
    throw invalid(
      `Parameter '${from.slice(from.indexOf('.') + 1)}' holds something that is not a valid ${kind} id.`,
    );
  });
  return readable.length === sent.length ? undefined : orNone(readable);
}
