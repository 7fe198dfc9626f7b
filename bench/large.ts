import { join } from 'node:path';
import type { AuditEntry } from '../src/store/audit/index.ts';
import { openStore } from '../src/store/index.ts';
import { timeOrderedId } from '../src/time-ordered-id.ts';
import type { Bench } from './bench.ts';
import { startChild, stop } from './children.ts';
import { cpuNow, cpuSeconds, forgetPeak, memoryMb } from './cpu.ts';
import { type GatewayChild, startGateway } from './gateway.ts';
import { basic, populate } from './population.ts';

/** What a large answer cost. */
export interface Large {
  readonly what: string;
  readonly requests: number;
  readonly megabytes: number;
  /** CPU of the gateway in seconds, all requests together. */
  readonly cpuSeconds: number;
  /** How far its resident memory rose above what it was before. */
  readonly peakAboveMb: number;
}

const USERS = 10_000;
const PAGE = 1_000;
const API = '/api/2.0/mlflow';
/** Looked for in the whole log, and not there. */
const NOTHING = {
  'an action of the user who wrote all': 'username=user-0&action=delete',
  'a user and a type': 'username=user-1&resource_type=experiment',
  'what was refused about a type': 'allowed=false&resource_type=experiment',
} as const;

/** Lists of very many users and audit entries: what they cost, and that memory does not grow with them. */
export async function measureLarge({ dir, quick }: Bench): Promise<Large[]> {
  const entries = quick ? 50_000 : 1_000_000;
  const socketPath = join(dir, 'large.sock');
  const database = join(dir, 'large.db');
  await populate(database, { users: USERS, grants: USERS, rounds: 4 });
  await fillAudit(database, entries);
  const small = await startChild('bench/processes/small-upstream.ts', [socketPath, '10']);
  const upstreamUri = `unix:${socketPath}`;
  const gateway = await startGateway({ upstreamUri, database, log: join(dir, 'large.log') });
  const list = `${API}/permissions/holders?resource_type=experiment&resource_id=1&max_results=${PAGE}`;
  // The first request hashes a password, and what is compiled is compiled.
  for (const path of [`${API}/users?max_results=1`, list, `${API}/audit/search`]) {
    await read(gateway, path);
  }
  const results: Large[] = [];
  const measure = async (what: string, ask: () => Promise<{ requests: number; bytes: number }>) => {
    const idle = memoryMb(gateway.pid).now;
    forgetPeak(gateway.pid);
    const before = cpuNow([gateway]);
    const { requests, bytes } = await ask();
    const cpu = cpuSeconds(before, cpuNow([gateway]));
    const peakAboveMb = memoryMb(gateway.pid).peak - idle;
    results.push({ what, requests, megabytes: bytes / 1e6, cpuSeconds: cpu, peakAboveMb });
  };
  const once = (path: string) => async () => ({ requests: 1, bytes: (await read(gateway, path)).bytes });
  await measure(`users, all ${USERS}`, once(`${API}/users`));
  await measure(`permissions/holders of ${USERS}, pages of ${PAGE}`, () => readPages(gateway, list));
  for (const format of ['jsonl', 'csv']) {
    await measure(`audit/export of ${entries}, ${format}`, once(`${API}/audit/export?format=${format}`));
  }
  for (const [what, filter] of Object.entries(NOTHING)) {
    await measure(`audit/search among ${entries}, ${what}: none`, once(`${API}/audit/search?${filter}`));
  }
  for (const { process } of [gateway, small]) {
    await stop(process);
  }
  return results;
}

/** Reads an answer to its end, and keeps no more of it than its last kilobytes. */
async function read({ said }: GatewayChild, path: string): Promise<{ bytes: number; end: string }> {
  const answer = await fetch(`${said}${path}`, { headers: basic('admin') });
  if (answer.status !== 200 || answer.body === null) {
    throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }
  let [bytes, end] = [0, ''];
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    end = (end + Buffer.from(chunk).toString('latin1')).slice(-4_000);
  }
  return { bytes, end };
}

async function readPages(gateway: GatewayChild, path: string): Promise<{ requests: number; bytes: number }> {
  let [requests, bytes] = [0, 0];
  for (let token: string | undefined = ''; token !== undefined; requests += 1) {
    const page = await read(gateway, token === '' ? path : `${path}&page_token=${encodeURIComponent(token)}`);
    bytes += page.bytes;
    token = /"next_page_token":"([^"]+)"/.exec(page.end)?.[1];
  }
  return { requests, bytes };
}

/** Writes of one user, each about a run and its experiment, as a training leaves them. */
async function fillAudit(file: string, count: number): Promise<void> {
  const store = await openStore(`sqlite:///${file}`, { clock: Date.now });
  const first = Date.now() - count;
  for (let from = 0; from < count; from += PAGE) {
    const batch = Array.from({ length: PAGE }, (_, index) => entryOf(first + from + index, from + index));
    await store.audit.add(batch);
  }
  await store.close();
}

function entryOf(at: number, index: number): AuditEntry {
  const id = timeOrderedId(at);
  return {
    ...{ id, at, requestId: id, username: 'user-0', credential: { kind: 'password', id: null } },
    ...{ ip: '192.0.2.1', method: 'POST', path: '/api/2.0/mlflow/runs/log-metric' },
    ...{ operation: 'POST 2.0 runs/log-metric', action: 'update', allowed: true, enforced: true },
    ...{ because: 'user holds EDIT', status: 200, durationMs: 4, change: null },
    resources: [
      { type: 'experiment', id: String((index % 100) + 1) },
      { type: 'run', id: (index % 10_000).toString(16).padStart(32, '0') },
    ],
  };
}
