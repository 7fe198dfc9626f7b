/**
 * Invariant 3: no answer, or none that can be understood, is a refusal: of the look-up that says where a
 * thing belongs, and of the store.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OURS } from '../support/everybody.ts';
import { type Person, startGateway, type TestGateway } from '../support/gateway.ts';

const PROBE = 'x-probe';

let reply: (response: ServerResponse) => void = (response) => response.destroy();
let arrived = 0;
let upstream: Server;
let gateway: TestGateway;
let manager: Person;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    if (request.headers[PROBE] === undefined) reply(response);
    else {
      arrived += 1;
      response.end('{}');
    }
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  gateway = await startGateway(`http://127.0.0.1:${port}`, { upstream_timeout_seconds: '1' });
  manager = await gateway.person();
  const { users, grants } = gateway.server.store;
  const user = await users.get(manager.username);
  await grants.create(user?.id ?? 0, 'experiment', '*', 'READ');
});
afterAll(async () => {
  await gateway.close();
  upstream.closeAllConnections();
  upstream.close();
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

/** An answer without what was asked for: the thing is not there, or the upstream cannot be understood. */
const NO_ANSWER = [403, 503];

/** What a look-up may come to; whoever may read every experiment is still refused. */
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
  ['an experiment that is no text', NO_ANSWER, json({ experiment_ids: [7], issue: { experiment_id: 7 } })],
])('%s', { timeout: 30_000 }, async (_, statuses, answer) => {
  reply = answer;
  arrived = 0;
  for (const target of targets) {
    const refused = await manager.get(target, { headers: { [PROBE]: '1' } });
    expect.soft(statuses, `${target} gave ${refused.status}`).toContain(refused.status);
  }
  expect(arrived).toBe(0);
});
