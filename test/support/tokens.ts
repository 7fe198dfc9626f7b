import { type Person, personAt } from './gateway.ts';

/** A token as the API shows it. */
export interface Token {
  readonly token_id: string;
  readonly name: string;
  readonly username: string;
  readonly prefix: string;
  readonly scope: unknown;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
  readonly created_by: string | null;
}

export const TOKENS = '/api/2.0/mlflow/users/tokens';

/** Makes a token as a user; answers it with its secret. */
export async function makeToken(
  by: Person,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly token: Token; readonly secret: string }> {
  const answer = await by.post(`${TOKENS}/create`, { name: 'a token', ...more });
  if (answer.status !== 200) {
    throw new Error(`no token: ${answer.text}`);
  }
  return answer.json;
}

/** Whoever sends this header. */
export function byHeader(url: string, name: string, value: string): Person {
  const nobody = personAt(url, '', '');
  const person: Person = {
    ...nobody,
    send: (method, target, sent = {}) =>
      nobody.send(method, target, { ...sent, headers: { [name]: value, ...sent.headers } }),
    get: (target, sent) => person.send('GET', target, sent),
    post: (target, json) => person.send('POST', target, { json }),
    patch: (target, json) => person.send('PATCH', target, { json }),
    delete: (target, json) => person.send('DELETE', target, json === undefined ? {} : { json }),
  };
  return person;
}

/** The user of a token, who sends it as MLflow's clients send `MLFLOW_TRACKING_TOKEN`. */
export const byToken = (url: string, secret: string): Person =>
  byHeader(url, 'authorization', `Bearer ${secret}`);
