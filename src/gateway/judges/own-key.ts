import { denied, unavailable } from '../../errors.ts';
import {
  borrowedBySettings,
  borrowedIn,
  bringsItsKey,
  settingsIn,
  shapeOfSecret,
} from '../../mlflow/ai-gateway/provider-keys.ts';
import { text } from '../../mlflow/read/json.ts';
import { propertyAt } from '../../mlflow/read/property-at.ts';
import type { SpecialQuestions } from '../../mlflow/table/row.ts';
import { ask } from '../../mlflow/upstream/ask.ts';
import type { Upstream } from '../../mlflow/upstream/upstream.ts';
import type { Judge } from '../judge/judge.ts';
import type { Way } from '../way.ts';
import { onServerKeys } from './server-keys.ts';
import type { Special } from './special.ts';

const API = '/api/3.0/mlflow/gateway';

/**
 * Judges secrets and model definitions of the AI gateway by whose key the models will be called with: everybody may
 * make them, so that without a key of its own a secret would lend the server's to everybody.
 */
export function ownKey(judge: Judge, upstream: Upstream): Special<OwnKeyQuestion> {
  return async ({ way }, caller, asks) => {
    if (asks === 'detection') {
      return judgeDetection(upstream, way);
    }
    const borrowed =
      borrowedIn(way.body['secret_value']) ??
      borrowedBySettings(settingsIn(way.body)) ??
      (await BORROWED_BY[asks](upstream, way.body));
    if (borrowed === undefined) {
      return undefined;
    }
    const { allow, because } = onServerKeys(judge, caller);
    if (allow) {
      return undefined;
    }
    throw denied(
      `Models would be called with the keys of the server, as ${borrowed}: put a key into the secret. ` +
        'Without one this needs USE on all AI gateway endpoints.',
      because,
    );
  };
}

/**
 * Judges the secret that a job is given: MLflow puts what it holds over the server's own settings of the provider, an
 * `api_base` without a key over the address that the server's key is sent to.
 *
 * @see `_fetch_provider_credentials` in mlflow/genai/discovery/job.py
 */
async function judgeDetection(upstream: Upstream, { body }: Way): Promise<undefined> {
  const reason = await borrowed(upstream, text(body['provider']), text(body['secret_id']));
  if (reason === undefined) {
    return undefined;
  }
  throw denied(`The server's own key could be sent to where the secret says, as ${reason}.`);
}

type OwnKeyQuestion = SpecialQuestions['own-key'];
type Body = Readonly<Record<string, unknown>>;

/** Which model would be called with another key than that of its secret; undefined if none would. */
const BORROWED_BY: {
  readonly [Asks in Exclude<OwnKeyQuestion, 'detection'>]: (
    upstream: Upstream,
    body: Body,
  ) => Promise<string | undefined>;
} = {
  'new secret': async () => undefined,
  'new definition': (upstream, body) => borrowed(upstream, text(body['provider']), text(body['secret_id'])),
  async definition(upstream, body) {
    const [provider, secretId] = [text(body['provider']), text(body['secret_id'])];
    if (provider === undefined && secretId === undefined) {
      return undefined;
    }
    const told = await about(upstream, 'model-definitions/get?model_definition_id', body);
    const known = (name: string) => text(propertyAt(told, `model_definition.${name}`));
    return borrowed(upstream, provider ?? known('provider'), secretId ?? known('secret_id'));
  },
  async secret(upstream, body) {
    const secret = shapeOfSecret(await about(upstream, 'secrets/get?secret_id', body), body);
    const definitions = propertyAt(
      await about(upstream, 'model-definitions/list?secret_id', body),
      'model_definitions',
    );
    const providers = Array.isArray(definitions) ? definitions.map(providerOf) : [];
    // Who else uses the secret, and for what, is not said.
    return providers.every((provider) => bringsItsKey(provider, secret))
      ? undefined
      : 'the secret would have no key for a model that uses it';
  },
};

async function borrowed(
  upstream: Upstream,
  provider: string | undefined,
  secretId: string | undefined,
): Promise<string | undefined> {
  // MLflow refuses what says none of them.
  if (provider === undefined || secretId === undefined) return undefined;
  const told = await about(upstream, 'secrets/get?secret_id', { secret_id: secretId });
  if (bringsItsKey(provider, shapeOfSecret(told))) return undefined;
  return `the secret has no key for ${JSON.stringify(provider)}`;
}

/** Asks for what a field of the body names, under the same name. */
function about(upstream: Upstream, path: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
  const field = path.slice(path.indexOf('?') + 1);
  return ask(upstream, `${API}/${path}=${encodeURIComponent(String(body[field]))}`);
}

function providerOf(definition: unknown): string {
  const provider = text(propertyAt(definition, 'provider'));
  if (provider === undefined) throw unavailable('The MLflow server did not say what uses the secret.');
  return provider;
}
