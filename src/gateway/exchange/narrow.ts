import { invalid } from '../../errors.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { spellingOf } from '../../mlflow/read/spelling.ts';
import type { From } from '../../mlflow/table/row.ts';
import { isCanonical } from '../../mlflow/things/identifiers.ts';
import type { RootKind } from '../../policy/resources.ts';

export interface Narrowed {
  /** The body to forward: as it came if the caller may read everything it names. */
  readonly bytes: Buffer;
  /** Whether nothing is left to ask the upstream for. */
  readonly empty: boolean;
}

/**
 * Takes out of a list of ids in the body what the caller may not read, as MLflow's own auth app does: a
 * comparison of several experiments shows those one may see.
 *
 * @param from - such as `body.experiment_ids`.
 * @throws ApiError 400 for an element that names nothing, or not as MLflow writes it.
 */
export function narrowBody(
  bytes: Buffer,
  from: From,
  kind: RootKind,
  mayRead: (id: string) => boolean,
): Narrowed {
  const name = from.slice('body.'.length);
  const body = parseLossless(bytes.length === 0 ? '{}' : bytes.toString('utf8'));
  const holder = body as Record<string, unknown>;
  const key = spellingOf(holder, name);
  const list = key === undefined ? undefined : holder[key];
  if (list === undefined || list === null) return { bytes, empty: true };
  if (!Array.isArray(list) || key === undefined) throw invalid(`Parameter '${name}' must be a list.`);
  const readable = list.filter((id: unknown) => {
    if (typeof id === 'string' && isCanonical(kind, id)) return mayRead(id);
    throw invalid(`Parameter '${name}' holds something that is not a valid ${kind} id.`);
  });
  if (readable.length === list.length) return { bytes, empty: list.length === 0 };
  holder[key] = readable;
  return { bytes: Buffer.from(JSON.stringify(body)), empty: readable.length === 0 };
}
