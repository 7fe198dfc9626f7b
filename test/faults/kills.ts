import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { bytesOf, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { ADMIN, type Person, personAt, unique } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { NEWEST, sharedMlflow } from '../support/mlflow.ts';

/** Where the gateway is when it is killed. */
export const POINTS = [
  'before MLflow has heard of it',
  'when MLflow has done it',
  'once it is answered',
  'at any moment',
  'again while it settles',
] as const;
export type Point = (typeof POINTS)[number];
export const CHANGES = ['create', 'rename', 'delete'] as const;
export type ChangeKind = (typeof CHANGES)[number];

const MODELS = '/api/2.0/mlflow/registered-models';
const PASSWORD = 'a long enough password';
/** Within what the gateway has done what MLflow did, after a start. */
const SETTLED_MS = 30_000;
/** In which a change is begun, done and answered. */
const ANY_MOMENT_MS = 60;
/** In which a gateway that was started again finds out what became of a change. */
const SETTLING_MS = 6_000;

/** A gateway that is killed again and again in front of a real MLflow. */
export interface Killing {
  /**
   * Kills the gateway during a change of a registered model of alice's that bob reads, and starts it again.
   *
   * @param moment - between 0 and 1: when "any moment" is, or the second kill.
   * @throws AssertionError if anything is lost, left over or inherited then.
   */
  round(kind: ChangeKind, point: Point, moment?: number): Promise<void>;
  close(): Promise<void>;
}

/** @param command - what runs the gateway, if not its sources. */
export async function startKilling(command?: readonly string[]): Promise<Killing> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-kills-'));
  const { uri } = await sharedMlflow(NEWEST);
  let reached: { point: Point; now: () => void } | undefined;
  const relay: FakeUpstream = await startFakeUpstream(async (request, response) => {
    const body = await bytesOf(request).catch(() => undefined);
    if (body === undefined) {
      return;
    }
    const changes = request.method !== 'GET';
    if (changes && reached?.point === 'before MLflow has heard of it') {
      reached.now();
      return;
    }
    const answer = await pass(uri, request, body);
    if (
      changes &&
      (reached?.point === 'when MLflow has done it' || reached?.point === 'again while it settles')
    ) {
      reached.now();
      return;
    }
    await reply(response, answer);
  });
  const start = () =>
    startGatewayProcess(
      relay.uri,
      join(dir, 'gateway.db'),
      // What MLflow may still do is waited for this long.
      { MLFLOW_AUTH_UPSTREAM_TIMEOUT_SECONDS: '1' },
      command,
    );
  let gateway: GatewayProcess = await start();
  const secrets = await secretsAt(gateway.url);
  const as = (username: keyof typeof secrets) => personAt(gateway.url, username, secrets[username]);

  /** What MLflow has, past the gateway. */
  const isThere = async (name: string) =>
    (await fetch(`${uri}${MODELS}/get?name=${encodeURIComponent(name)}`)).status === 200;

  /** Who holds what on the model of this name. */
  async function holders(name: string): Promise<Readonly<Record<string, string>>> {
    const { json } = await as('admin').get('/api/2.0/mlflow/users');
    const users = json.users as readonly {
      readonly username: string;
      readonly registered_model_permissions: readonly {
        readonly name: string;
        readonly permission: string;
      }[];
    }[];
    return Object.fromEntries(
      users.flatMap(({ username, registered_model_permissions: held }) =>
        held.filter((each) => each.name === name).map(({ permission }) => [username, permission]),
      ),
    );
  }

  return {
    async round(kind, point, moment = 0) {
      const [name, newName] = [unique('old'), unique('new')];
      if (kind !== 'create') {
        await as('alice').post(`${MODELS}/create`, { name });
        await as('alice').post(`${MODELS}/permissions/create`, { name, username: 'bob', permission: 'READ' });
      }
      const killAt = new Promise<void>((now) => {
        reached = { point, now };
        if (point === 'at any moment') {
          void setTimeout(moment * ANY_MOMENT_MS).then(now);
        }
      });
      const asked = change(as('alice'), kind, name, newName).then(
        ({ status }) => status,
        () => undefined,
      );
      // A change that is refused before it gets there is answered, and the gateway killed all the same.
      await (point === 'once it is answered' ? asked : Promise.race([killAt, asked]));
      await gateway.end('SIGKILL');
      const status = await asked;
      reached = undefined;
      gateway = await start();
      if (point === 'again while it settles') {
        await setTimeout(moment * SETTLING_MS);
        await gateway.end('SIGKILL');
        gateway = await start();
      }
      await expect
        .poll(async () => [await holders(name), await holders(newName)], { timeout: SETTLED_MS })
        .toEqual([
          expected(kind, 'old', { isThere: await isThere(name) }),
          expected(kind, 'new', { isThere: await isThere(newName) }),
        ]);
      if (status === 200) {
        expect([await isThere(name), await isThere(newName)]).toEqual([kind === 'create', kind === 'rename']);
      }
      await nothingIsInherited(as('bob'), as('alice'), kind === 'create' ? newName : name, isThere);
    },
    async close() {
      await gateway.end('SIGKILL');
      await relay.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Users, and the token of each: a gateway that was just started need not hash a password first. */
async function secretsAt(url: string) {
  const admin = personAt(url, ADMIN.username, ADMIN.password);
  async function secretOf(username: string): Promise<string> {
    const made = await admin.post('/api/2.0/mlflow/users/tokens/create', { name: 'kills', username });
    return String(made.json.secret);
  }
  for (const username of ['alice', 'bob']) {
    await admin.post('/api/2.0/mlflow/users/create', { username, password: PASSWORD });
  }
  return {
    admin: await secretOf(ADMIN.username),
    alice: await secretOf('alice'),
    bob: await secretOf('bob'),
  };
}

function change(alice: Person, kind: ChangeKind, name: string, newName: string) {
  switch (kind) {
    case 'create':
      return alice.post(`${MODELS}/create`, { name });
    case 'rename':
      return alice.post(`${MODELS}/rename`, { name, new_name: newName });
    case 'delete':
      return alice.delete(`${MODELS}/delete`, { name });
  }
}

/** Who holds what, by whether MLflow has the model. */
function expected(kind: ChangeKind, which: 'old' | 'new', { isThere }: { isThere: boolean }) {
  if (!isThere) {
    return {};
  }
  return kind === 'create' && which === 'old' ? { alice: 'MANAGE' } : { alice: 'MANAGE', bob: 'READ' };
}

/** A user who takes a name that is free holds it alone. */
async function nothingIsInherited(
  bob: Person,
  alice: Person,
  name: string,
  isThere: (name: string) => Promise<boolean>,
): Promise<void> {
  if (!(await isThere(name))) {
    const { status, text } = await bob.post(`${MODELS}/create`, { name });
    expect({ status, text }).toMatchObject({ status: 200 });
    expect((await alice.get(`${MODELS}/get?name=${encodeURIComponent(name)}`)).status).toBe(403);
  }
}

async function pass(uri: string, request: IncomingMessage, body: Buffer) {
  const answer = await fetch(`${uri}${request.url}`, {
    method: request.method ?? 'GET',
    headers: { 'content-type': 'application/json' },
    ...(body.length > 0 && { body }),
  });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
}

async function reply(response: ServerResponse, { status, bytes }: Awaited<ReturnType<typeof pass>>) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(bytes);
}
