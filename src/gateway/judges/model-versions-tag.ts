import { isObject } from '../../mlflow/read/json.ts';
import { parseLossless } from '../../mlflow/read/lossless.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import { names } from '../../mlflow/things/key-names.ts';
import { MODEL_VERSIONS_TAG } from '../../mlflow/things/model-versions.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Judge } from '../judge/judge.ts';
import type { Special } from './special.ts';

/**
 * Keeps what is concealed from a caller when the caller writes the tag that tells the versions made of a logged model:
 * MLflow's clients read it, add theirs and write it back.
 *
 * @see `_register_model` in mlflow/tracking/_model_registry/fluent.py
 */
export function modelVersionsTag(judge: Judge, upstream: Upstream): Special {
  return async ({ way }, caller) => {
    const { tags } = way.body;
    if (!Array.isArray(tags) || !tags.some(isVersionsTag)) {
      return undefined;
    }
    const target = `/api/2.0/mlflow/logged-models/${encodeURIComponent(way.params['model_id'] ?? '')}`;
    const model = propertyAt(await ask(upstream, target), 'model');
    const stored = propertyAt(propertyAt(model, 'info'), 'tags');
    const kept = (Array.isArray(stored) ? stored : []).filter(isVersionsTag).flatMap(versionsIn);
    const hidden = kept.filter((version) => {
      const name = propertyAt(version, 'name');
      return (
        typeof name === 'string' &&
        !judge.onRoot(caller, 'read', { kind: 'registered_model', id: name, isPrompt: false }).allow
      );
    });
    if (hidden.length > 0 && way.bytes !== undefined) {
      way.bytes = withVersions(way.bytes, hidden);
    }
    return undefined;
  };
}

const isVersionsTag = (tag: unknown): boolean => {
  const key = propertyAt(tag, 'key');
  return typeof key === 'string' && names([MODEL_VERSIONS_TAG], key);
};

/** What a tag lists; nothing if it is not MLflow's own writing. */
function versionsIn(tag: unknown): readonly unknown[] {
  try {
    const versions = parseLossless(String(propertyAt(tag, 'value')));
    return Array.isArray(versions) ? versions : [];
  } catch {
    return [];
  }
}

/** A request in which each such tag lists some versions more. */
function withVersions(bytes: Buffer, more: readonly unknown[]): Buffer {
  const body = parseLossless(bytes.toString('utf8'));
  if (!isObject(body) || !Array.isArray(body['tags'])) {
    return bytes;
  }
  const tags = body['tags'].map((tag: unknown) =>
    isObject(tag) && isVersionsTag(tag)
      ? { ...tag, value: JSON.stringify([...versionsIn(tag), ...more]) }
      : tag,
  );
  return Buffer.from(JSON.stringify({ ...body, tags }));
}
