import type { Person, Received, Sent, TestGateway } from './gateway.ts';

/** What a page shows for what stands in it. */
export const plain = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

/** A browser that keeps cookies and follows nothing by itself, as far as a test of forms needs one. */
export interface CookieJar {
  /** What it would send as `Cookie`. */
  readonly header: string;
  /** The value of the session's cookie; undefined if there is none. */
  readonly session: string | undefined;
  send(method: string, target: string, sent?: Sent): Promise<Received>;
  get(target: string, sent?: Sent): Promise<Received>;
  /** Sends a form, with the hidden fields that its page has. */
  submit(target: string, fields: object, sent?: Sent): Promise<Received>;
}

/** A browser that nobody has signed in with. */
export function openJar(gateway: Pick<TestGateway, 'anonymous'>): CookieJar {
  const cookies = new Map<string, string>();
  const headerOf = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

  async function send(method: string, target: string, { headers, ...sent }: Sent = {}): Promise<Received> {
    const received = await gateway.anonymous.send(method, target, {
      ...sent,
      headers: { ...(cookies.size > 0 && { cookie: headerOf() }), ...headers },
    });
    for (const cookie of [received.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0/i.test(cookie)) {
        cookies.delete(name);
      } else {
        cookies.set(name, value);
      }
    }
    return received;
  }

  const get = (target: string, sent: Sent = {}) =>
    send('GET', target, { ...sent, headers: { accept: 'text/html', ...sent.headers } });

  return {
    get header() {
      return headerOf();
    },
    get session() {
      return cookies.get('mlflow-gateway') ?? cookies.get('__Host-mlflow-gateway');
    },
    send,
    get,
    async submit(target, fields, { headers } = {}) {
      const typed = Object.entries(fields).filter(([, value]) => typeof value === 'string');
      const { text } = await get(target);
      const hidden = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
        ([, name = '', value = '']) => [name, plain(value)] as const,
      );
      return send('POST', target, {
        raw: new URLSearchParams({ ...Object.fromEntries(hidden), ...Object.fromEntries(typed) }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      });
    },
  };
}

/** A browser in which a person has signed in. */
export async function signInByPage(
  gateway: Pick<TestGateway, 'anonymous'>,
  { username, password }: Pick<Person, 'username' | 'password'>,
): Promise<CookieJar> {
  const jar = openJar(gateway);
  const { status, text } = await jar.submit('/auth/sign-in', { username, password });
  if (status !== 303) {
    throw new Error(`signing in gives ${status} ${text}`);
  }
  return jar;
}

/** A person in a browser, where the cookie of a session says who they are, and nothing else. */
export async function inSession(
  gateway: Pick<TestGateway, 'anonymous'>,
  person: Person,
  more: Readonly<Record<string, string>> = {},
): Promise<Person> {
  const jar = await signInByPage(gateway, person);
  const send: Person['send'] = (method, target, { headers, ...sent } = {}) =>
    jar.send(method, target, { ...sent, headers: { ...headers, ...more } });
  return {
    ...{ username: person.username, password: person.password, send },
    get: (target, sent) => send('GET', target, sent),
    post: (target, json) => send('POST', target, { json }),
    patch: (target, json) => send('PATCH', target, { json }),
    delete: (target, json) => send('DELETE', target, json === undefined ? {} : { json }),
  };
}
