import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { OURS } from '../support/everybody.ts';
import { tellsNoExperiments } from '../support/fake-upstream.ts';
import type { Person, TestGateway } from '../support/gateway.ts';
import { type Listening, listen } from '../support/listen.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

const PROBE = 'x-probe';

let reply: (response: ServerResponse) => void = (response) => response.destroy();
let arrived = 0;
const upstream = createServer((request, response) => {
  if (tellsNoExperiments(request, response)) {
    return;
  }
  if (request.headers[PROBE] === undefined) {
    reply(response);
  } else {
    arrived += 1;
    response.end('{}');
  }
});
let answering: Listening;

afterAll(() => answering.close());
const { gateway, manager } = useGateway({
  upstream: async () => {
    answering = await listen(upstream);
    return answering.uri;
  },
  settings: { upstream_timeout_seconds: '1' },
  people: ['manager'],
});
beforeAll(async () => {
  const { users, grants } = gateway.server.store;
  const user = await users.get(manager.username);
  await grants.create(user?.id ?? 0, 'experiment', '*', 'READ');
});

const targets = [
  `/api/2.0/mlflow/runs/get?run_id=${OURS.run}`,
  `/api/3.0/mlflow/traces/${OURS.trace}`,
  `/api/2.0/mlflow/logged-models/${OURS.logged_model}`,
  `/api/3.0/mlflow/datasets/${OURS.dataset}`,
  `/api/3.0/mlflow/issues/${OURS.issue}`,
];

const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** What each look-up asks for, wherever it looks for it. */
function inEveryPlace(experiment_id: unknown) {
  const home = { experiment_id };
  return {
    run: { info: home },
    data: { r0: { run: { info: { runId: OURS.run, experimentId: experiment_id } } } },
    model: { info: home },
    trace: { trace_info: { trace_location: { mlflow_experiment: home } } },
    experiment_ids: [experiment_id],
    issue: home,
  };
}

/** An answer without what was asked for: the thing is not there, or the upstream cannot be understood. */
const NO_ANSWER = [403, 503];

/** What a look-up may come to; a caller who may read every experiment is still refused. */
test.each<readonly [string, readonly number[], (response: ServerResponse) => void]>([
  ['a broken connection', [503], (response) => response.destroy()],
  ['silence', [504], () => {}],
  ['an error', [503], json({ error_code: 'INTERNAL_ERROR' }, 500)],
  ['a redirect', [503], json({}, 302)],
  ['no JSON', [503], (response) => response.end('<html>')],
  ['half of it', [503], (response) => response.end('{"run":{"info":{"experiment_id":"7"')],
  ['nothing there', [403], json({ error_code: 'RESOURCE_DOES_NOT_EXIST' }, 404)],
  ['no experiment', NO_ANSWER, json({})],
  ['an empty list of experiments', NO_ANSWER, json({ experiment_ids: [] })],
  ['an experiment that is no text', NO_ANSWER, json(inEveryPlace(7))],
  ['an experiment without a name', NO_ANSWER, json(inEveryPlace(''))],
])('%s', { timeout: 30_000 }, async (_, statuses, answer) => {
  reply = answer;
  arrived = 0;
  for (const target of targets) {
    const refused = await manager.get(target, { headers: { [PROBE]: '1' } });
    expect.soft(statuses, `${target} gave ${refused.status}`).toContain(refused.status);
  }
  expect(arrived).toBe(0);
});

describe('a store that', () => {
  const READ = '/api/2.0/mlflow/experiments/get?experiment_id=7';
  const PASSING = { headers: { [PROBE]: '1' } };
  let dir: string;
  let file: string;
  let shaken: TestGateway;
  let reader: Person;
  let unseen: Person;

  beforeEach(async () => {
    reply = json({});
    dir = mkdtempSync(join(tmpdir(), 'silent-store-'));
    file = join(dir, 'gateway.db');
    const settings = { database_uri: `sqlite:///${file}` };
    onTestFinished(() => rmSync(dir, { recursive: true }));
    ({ gateway: shaken } = await openGateway({ upstream: answering.uri, settings }));
    reader = await shaken.person();
    unseen = await shaken.person();
    const { users, grants } = shaken.server.store;
    const user = await users.get(reader.username);
    await grants.create(user?.id ?? 0, 'experiment', '7', 'READ');
    // From here on everything about this user is remembered; of the other nothing is.
    expect((await reader.get(READ, PASSING)).status).toBe(200);
    arrived = 0;
  });

  const withStore = (sql: string) => {
    const store = new Sqlite(file);
    store.pragma('foreign_keys = off');
    store.exec(sql);
    store.close();
  };
  const files = () => ['', '-wal', '-shm'].map((suffix) => file + suffix);

  test.each<readonly [string, () => void]>([
    ['was deleted', () => files().forEach((each) => void rmSync(each))],
    ['was moved away', () => files().forEach((each) => void renameSync(each, `${each}.old`))],
    [
      'was replaced by an older one, as a backup is put back',
      () => {
        copyFileSync(file, `${file}.backup`);
        renameSync(`${file}.backup`, file);
      },
    ],
    ['is overwritten', () => files().forEach((each) => void writeFileSync(each, Buffer.alloc(65_536, 1)))],
    ['says nothing of what has changed', () => withStore('drop table changes')],
  ])('%s lets nobody pass, remembered or not', async (_, shake) => {
    shake();
    for (const [who, method, target] of [
      [reader, 'GET', READ],
      [unseen, 'GET', READ],
      [shaken.admin, 'GET', READ],
      [reader, 'POST', '/api/2.0/mlflow/experiments/create'],
    ] as const) {
      const sent = method === 'POST' ? { ...PASSING, json: { name: 'x' } } : PASSING;
      expect((await who.send(method, target, sent)).status).toBe(503);
    }
    expect(arrived).toBe(0);
  });

  test.each(['grants', 'users'])(
    'has lost its %s lets nobody pass whom it would have to ask about',
    async (table) => {
      withStore(`drop table ${table}; insert into changes (user_id, at) values (null, 0)`);
      for (const who of [reader, unseen, shaken.admin]) {
        expect((await who.get(READ, PASSING)).status).toBe(503);
      }
      expect(arrived).toBe(0);
    },
  );

  test('cannot be written to lets nothing be created', { timeout: 30_000 }, async () => {
    const writer = new Sqlite(file);
    writer.exec('begin immediate');
    const created = await reader.send('POST', '/api/2.0/mlflow/experiments/create', {
      ...PASSING,
      json: { name: 'x' },
    });
    writer.close();
    expect(created.status).toBe(503);
    expect(arrived).toBe(0);
  });
});
