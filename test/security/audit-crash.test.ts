/** What was done is in the audit log though the gateway is killed: all but the last second, and of rights all of it. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/index.ts';
import { ADMIN, personAt } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { useDirectory } from '../support/use-directory.ts';
import { useFakeUpstream } from '../support/use-gateway.ts';

const API = '/api/2.0/mlflow';
const ROUNDS = 4;
const LAST_MS = 1_000;
/** Long enough that most of what is written is older than the last second. */
const WRITING_MS = 1_800;

const dir = useDirectory('audit-crash');
const file = join(dir, 'gateway.db');
const upstream = useFakeUpstream();

/** Sends writes one after the other, by several connections; answers what was answered, and when. */
async function write(gateway: GatewayProcess, round: number): Promise<ReadonlyMap<string, number>> {
  const admin = personAt(gateway.url, ADMIN.username, ADMIN.password);
  const answered = new Map<string, number>();
  const until = Date.now() + WRITING_MS;
  const lane = async (which: number): Promise<void> => {
    for (let turn = 0; Date.now() < until; turn += 1) {
      const id = `${round}-${which}-${turn}`;
      const isGrant = turn % 10 === 0;
      const { status } = isGrant
        ? await admin.post(`${API}/experiments/permissions/create`, {
            experiment_id: `${round}${which}${String(turn).padStart(6, '0')}`,
            username: ADMIN.username,
            permission: 'READ',
          })
        : await admin.send('POST', `${API}/runs/delete`, {
            json: { run_id: 'a'.repeat(32) },
            headers: { 'x-request-id': id },
          });
      expect(status).toBe(200);
      answered.set(isGrant ? `${round}${which}${String(turn).padStart(6, '0')}` : id, Date.now());
    }
  };
  await Promise.all([1, 2, 3].map(lane));
  return answered;
}

/** What the store holds of it: ids of requests, and of experiments that something was granted on. */
async function kept(): Promise<{ logged: ReadonlySet<string>; told: number; granted: number }> {
  const store = await openStore(`sqlite:///${file}`, { clock: Date.now });
  const logged = new Set<string>();
  let told = 0;
  let before: string | undefined;
  do {
    const page = await store.audit.search({}, 1000, before);
    for (const { requestId, action, resources } of page) {
      logged.add(requestId ?? '');
      if (action === 'grant') {
        told += 1;
        logged.add(resources[0]?.id ?? '');
      }
    }
    before = page.at(-1)?.id;
  } while (before !== undefined);
  const granted = [...(await store.grants.forUsers()).values()].flat().length;
  await store.close();
  return { logged, told, granted };
}

test('kill -9 while it is written, again and again: nothing older than a second is lost, and no change of rights', async () => {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const gateway = await startGatewayProcess(upstream.uri, file);
    const answered = await write(gateway, round);
    const killedAt = Date.now();
    await gateway.end('SIGKILL');
    const { logged, told, granted } = await kept();
    const lost = [...answered].filter(
      ([id, at]) => !logged.has(id) && (!id.includes('-') || at < killedAt - LAST_MS),
    );
    expect(lost).toEqual([]);
    expect(told).toBe(granted);
    expect(granted).toBeGreaterThan(0);
  }
}, 120_000);

test('SIGTERM loses nothing', async () => {
  const gateway = await startGatewayProcess(upstream.uri, file);
  const answered = await write(gateway, 9);
  expect(await gateway.end('SIGTERM')).toBe(0);
  const { logged } = await kept();
  expect([...answered.keys()].filter((id) => !logged.has(id))).toEqual([]);
}, 60_000);
