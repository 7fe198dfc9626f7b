import { invalid } from '../errors.ts';
import { isCanonical } from '../mlflow/identifiers.ts';
import { parseLossless } from '../mlflow/read/lossless.ts';
import type { From } from '../mlflow/row.ts';
import type { RootKind } from '../policy/resources.ts';

export interface Narrowed {
  /** The body to forward: as it came if the caller may read everything it names. */
  readonly bytes: Buffer;
  /** Whether nothing is left to ask the upstream for. */
  readonly empty: boolean;
}

/**
 * Takes out of a list in the body what the caller may not read, as MLflow's own auth app does: a
 * comparison of several experiments shows those one may see.
 *
 * @param from - `body.experiment_ids`, or `body.locations[].a.b` for a list of objects.
 * @throws ApiError 400 for an element that names nothing, or not as MLflow writes it.
 */
export function narrowBody(
  bytes: Buffer,
  from: From,
  kind: RootKind,
  mayRead: (id: string) => boolean,
): Narrowed {
  const [listPath = '', innerPath = ''] = from.slice('body.'.length).split('[].');
  const body = parseLossless(bytes.length === 0 ? '{}' : bytes.toString('utf8'));
  const holder = body as Record<string, unknown>;
  const key = spellingOf(holder, listPath);
  const list = key === undefined ? undefined : holder[key];
  if (list === undefined || list === null) return { bytes, empty: true };
  if (!Array.isArray(list) || key === undefined) throw invalid(`Parameter '${listPath}' must be a list.`);
  const readable = list.filter((item: unknown) => mayRead(idOf(item, innerPath, listPath, kind)));
  if (readable.length === list.length) return { bytes, empty: list.length === 0 };
  holder[key] = readable;
  return { bytes: Buffer.from(JSON.stringify(body)), empty: readable.length === 0 };
}

function idOf(item: unknown, innerPath: string, listPath: string, kind: RootKind): string {
  const id = innerPath === '' ? item : innerPath.split('.').reduce<unknown>(step, item);
  if (typeof id !== 'string' || !isCanonical(kind, id)) {
    throw invalid(`Parameter '${listPath}' holds something that is not a valid ${kind} id.`);
  }
  return id;
}

function step(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const key = spellingOf(value as Record<string, unknown>, name);
  return key === undefined ? undefined : (value as Record<string, unknown>)[key];
}

/** The spelling a client chose for a field; a body with both was refused before. */
export function spellingOf(holder: Readonly<Record<string, unknown>>, name: string): string | undefined {
  if (name in holder) return name;
  const camel = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return camel in holder ? camel : undefined;
}
