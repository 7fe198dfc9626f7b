/** A clock that jumps, as after a suspended machine or a wrong time server: nobody is let in or kept out for ever by it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settings } from '../../src/config.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { ADMIN, type Person, personAt } from '../support/gateway.ts';

const YEAR_MS = 365 * 86_400_000;
const JUMPS = [
  ['a year ahead', YEAR_MS],
  ['a year back', -YEAR_MS],
  ['to the beginning of 1970', 1 - Date.now()],
] as const;
const OWN = '/api/2.0/mlflow/users/current';
const EXPERIMENT = '/api/2.0/mlflow/experiments/get?experiment_id=1';
const PASSWORD = 'a long enough password';

const dir = mkdtempSync(join(tmpdir(), 'clock-'));
let upstream: FakeUpstream;
let server: RunningServer;
let admin: Person;
/** Added to the clock. */
let jumped = 0;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const config = settings.parse({
    upstream_uri: upstream.uri,
    database_uri: `sqlite:///${join(dir, 'gateway.db')}`,
    port: '0',
    admin_password: ADMIN.password,
    password_rounds: '4',
    sign_in_failures: '3',
    sign_in_lockout_seconds: '900',
  });
  server = await startServer(config, {
    logger: pino({ level: 'silent' }),
    clock: () => Date.now() + jumped,
  });
  admin = personAt(server.url, ADMIN.username, ADMIN.password);
});
afterAll(async () => {
  await server.close();
  await upstream.close();
  rmSync(dir, { recursive: true });
});

let people = 0;
async function someone(): Promise<Person> {
  people += 1;
  const username = `user-${people}`;
  await admin.post('/api/2.0/mlflow/users/create', { username, password: PASSWORD });
  return personAt(server.url, username, PASSWORD);
}

test.each(JUMPS)(
  '%s: a change counts on the next request, users sign in, a change has its entry',
  async (_where, ms) => {
    const bob = await someone();
    const which = { experiment_id: '1', username: bob.username };
    await admin.post('/api/2.0/mlflow/experiments/permissions/create', { ...which, permission: 'READ' });
    expect((await bob.get(EXPERIMENT)).status).toBe(200);
    jumped = ms;
    expect((await bob.get(EXPERIMENT)).status).toBe(200);
    expect((await admin.delete('/api/2.0/mlflow/experiments/permissions/delete', which)).status).toBe(200);
    expect((await bob.get(EXPERIMENT)).status).toBe(403);
    expect((await (await someone()).get(OWN)).status).toBe(200);
    const { json } = await admin.get(
      `/api/2.0/mlflow/audit/search?username=${ADMIN.username}&max_results=1000`,
    );
    const changes = json.entries.filter((each: { operation: string }) =>
      each.operation.endsWith('permissions/delete'),
    );
    expect(changes.length).toBeGreaterThan(0);
    jumped = 0;
    expect((await bob.get(EXPERIMENT)).status).toBe(403);
  },
);

test.each(JUMPS)(
  '%s: a user who is locked out is let in again after the time that was said',
  async (_where, ms) => {
    const bob = await someone();
    const wrong = personAt(server.url, bob.username, 'wrong');
    for (const status of [401, 401, 401, 429]) {
      expect((await wrong.get(OWN)).status).toBe(status);
    }
    expect((await bob.get(OWN)).status).toBe(429);
    jumped = ms;
    const { status, headers } = await bob.get(OWN);
    // Put back, it waits its time anew at most, never for a year.
    const seconds = status === 429 ? Number(headers['retry-after']) : 0;
    expect(seconds).toBeLessThanOrEqual(900);
    jumped = ms + seconds * 1_000 + 1_000;
    expect((await bob.get(OWN)).status).toBe(200);
    jumped = 0;
    await admin.delete('/api/2.0/mlflow/users/lockouts/delete', { ip: '127.0.0.1' });
  },
);
