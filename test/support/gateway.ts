import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { getGlobalDispatcher } from 'undici';
import { type ProviderConfig, readProviders } from '../../src/config/providers.ts';
import { type Config, settings } from '../../src/config.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server.ts';

export const ADMIN = { username: 'admin', password: 'the-first-administrator' } as const;

/** What a test says of a request; `json` is sent as a JSON body, `raw` as it is. */
export interface Sent {
  readonly json?: unknown;
  readonly raw?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON; undefined if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of many shapes
  readonly json: any;
}

/** A user who sends requests through the gateway. */
export interface Person {
  readonly username: string;
  readonly password: string;
  /** Sends `METHOD /path?query` as this person. */
  send(method: string, target: string, sent?: Sent): Promise<Received>;
  get(target: string, sent?: Sent): Promise<Received>;
  post(target: string, json: unknown): Promise<Received>;
  patch(target: string, json: unknown): Promise<Received>;
  delete(target: string, json?: unknown): Promise<Received>;
}

export interface TestGateway {
  readonly url: string;
  readonly server: RunningServer;
  /** The log lines written so far, parsed. */
  readonly log: readonly Record<string, unknown>[];
  readonly admin: Person;
  readonly anonymous: Person;
  /** Creates a user with a name of its own and signs in as them. */
  person(name?: string): Promise<Person>;
  /** A user with these credentials, right or wrong. */
  as(username: string, password: string): Person;
  close(): Promise<void>;
}

/** What is set, as it would stand in the file. */
export type Settings = Partial<Record<Exclude<keyof Config, 'oidc'>, string>> & {
  /** What is set of each provider of single sign-on, by its name. */
  readonly oidc?: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** Checks providers as the start does. */
function providersIn(written: Settings['oidc'] = {}): readonly ProviderConfig[] {
  const texts = Object.entries(written).map(
    ([name, values]) =>
      [name, new Map(Object.entries(values).map(([key, text]) => [key, { text, origin: key }]))] as const,
  );
  const { providers, problems } = readProviders(new Map(texts));
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  return providers;
}

let people = 0;

/** A name that no other test uses: MLflow is shared by all of them. */
export function unique(name: string): string {
  people += 1;
  return `${name}-${process.pid.toString(36)}-${people}-${Date.now().toString(36)}`;
}

/**
 * Starts a whole gateway of the test's own in front of an upstream, with a store in a new directory.
 *
 * @param given - its clock and randomness, where they are not to be the real ones.
 */
export async function startGateway(
  upstreamUri: string,
  { oidc, ...overrides }: Settings = {},
  given: Pick<ServerOptions, 'clock' | 'random'> = {},
): Promise<TestGateway> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  const written = settings.parse({
    upstream_uri: upstreamUri,
    database_uri: `sqlite:///${join(dir, 'gateway.db')}`,
    port: '0',
    admin_password: ADMIN.password,
    password_rounds: '4',
    drain_seconds: '1',
    ...overrides,
  });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(JSON.parse(line)) });
  const config = { ...written, ...(oidc !== undefined && { oidc: providersIn(oidc) }) };
  const server = await startServer(config, { logger, ...given });
  const as = (username: string, password: string) => personAt(server.url, username, password);
  const admin = as(ADMIN.username, ADMIN.password);
  return {
    url: server.url,
    server,
    log,
    admin,
    anonymous: personAt(server.url, '', ''),
    as,
    async person(name = 'user') {
      const username = unique(name);
      const password = `${username} has a long password`.slice(0, 72);
      const created = await admin.post(`${overrides.static_prefix ?? ''}/api/2.0/mlflow/users/create`, {
        username,
        password,
      });
      if (created.status !== 200) {
        throw new Error(`no user: ${created.text}`);
      }
      return as(username, password);
    },
    async close() {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A user with these credentials at a gateway; without credentials if the name is empty. */
export function personAt(url: string, username: string, password: string): Person {
  const credentials: Record<string, string> =
    username === ''
      ? {}
      : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  const person: Person = {
    username,
    password,
    async send(method, target, { json, raw, headers } = {}) {
      const response = await getGlobalDispatcher().request({
        origin: url,
        // Not through URL, which would tidy what the test wants to send as it is.
        path: target,
        method: method as 'GET',
        headers: {
          ...credentials,
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...(raw !== undefined && { body: raw }),
      });
      const bytes = Buffer.from(await response.body.arrayBuffer());
      // The gateway records a request at the end of the turn of the event loop in which its answer has ended.
      await setImmediate();
      return {
        status: response.statusCode,
        headers: response.headers,
        bytes,
        text: bytes.toString('utf8'),
        get json() {
          try {
            return JSON.parse(bytes.toString('utf8'));
          } catch {
            return undefined;
          }
        },
      };
    },
    get: (target, sent) => person.send('GET', target, sent),
    post: (target, json) => person.send('POST', target, { json }),
    patch: (target, json) => person.send('PATCH', target, { json }),
    delete: (target, json) => person.send('DELETE', target, json === undefined ? {} : { json }),
  };
  return person;
}

/** Grants a permission on an experiment, or on a registered model, by the classic API. */
export async function grant(
  by: Person,
  to: Person,
  on: { experiment: string } | { model: string },
  permission: string,
): Promise<void> {
  const [family, target] =
    'experiment' in on
      ? ['experiments', { experiment_id: on.experiment }]
      : ['registered-models', { name: on.model }];
  const answer = await by.post(`/api/2.0/mlflow/${family}/permissions/create`, {
    ...target,
    username: to.username,
    permission,
  });
  if (answer.status !== 200) {
    throw new Error(`no grant: ${answer.text}`);
  }
}

/** Grants a permission on anything that can hold one, or with `*` on all of a kind, by MLflow 3's API. */
export async function grantOn(
  by: Person,
  to: Person,
  resource_type: string,
  resource_id: string,
  permission: string,
): Promise<void> {
  const sent = { username: to.username, resource_type, resource_id, permission };
  const answer = await by.post('/api/3.0/mlflow/users/permissions/grant', sent);
  if (answer.status !== 200) {
    throw new Error(`no grant: ${answer.text}`);
  }
}

/** Creates an experiment as a user; answers its id. */
export async function createExperiment(by: Person, name = unique('experiment')): Promise<string> {
  const answer = await by.post('/api/2.0/mlflow/experiments/create', { name });
  if (answer.status !== 200) {
    throw new Error(`no experiment: ${answer.text}`);
  }
  return answer.json.experiment_id;
}

/** Starts a run in an experiment as a user; answers its id. */
export async function createRun(by: Person, experimentId: string): Promise<string> {
  const answer = await by.post('/api/2.0/mlflow/runs/create', { experiment_id: experimentId, start_time: 1 });
  if (answer.status !== 200) {
    throw new Error(`no run: ${answer.text}`);
  }
  return answer.json.run.info.run_id;
}
