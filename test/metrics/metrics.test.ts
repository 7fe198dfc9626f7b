import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { useGateway } from '../support/use-gateway.ts';
import { readScrape } from './scrape.ts';

const RUN = '0123456789abcdef0123456789abcdef';

const { gateway, user, another } = useGateway({
  fake: (request, response) => {
    if (request.url === '/api/2.0/mlflow/fails') {
      response.writeHead(500).end('{}');
    } else if (request.url === '/api/2.0/mlflow/dies') {
      request.socket.destroy();
    } else if (request.url === '/api/2.0/mlflow/hangs') {
      response.writeHead(200, { 'content-length': '100000' }).write('a');
    } else if (request.url?.includes('runs/get') || request.url === '/graphql') {
      response.end(JSON.stringify({ run: { info: { run_id: RUN, experiment_id: '7' } } }));
    } else {
      response.end('{}');
    }
  },
  settings: async () => ({ metrics_port: String(await freePort()) }),
  people: ['user'],
});

const scrape = async () => readScrape(await (await fetch(`${gateway.server.metricsUrl}/metrics`)).text());

/** How much each series has grown by what is done, those that have not left out. */
async function grown(name: string, act: () => Promise<unknown>) {
  const before = (await scrape()).series(name);
  await act();
  const after = (await scrape()).series(name);
  return Object.fromEntries(
    Object.entries(after).flatMap(([labels, value]) => {
      const growth = value - (before[labels] ?? 0);
      return growth === 0 ? [] : [[labels, growth]];
    }),
  );
}

test('requests are counted by the row they matched and the status they got', async () => {
  const growth = await grown('mlflow_gateway_requests_total', async () => {
    await gateway.admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1');
    await user.get('/api/2.0/mlflow/experiments/get?experiment_id=1');
    await gateway.anonymous.get('/ajax-api/2.0/mlflow/experiments/get?experiment_id=1');
  });
  expect(growth).toEqual({
    'operation="GET 2.0 experiments/get",status="200"': 1,
    'operation="GET 2.0 experiments/get",status="403"': 1,
    'operation="GET 2.0 experiments/get",status="401"': 1,
  });
});

test('what no row matches is one series, whatever clients make up', async () => {
  const growth = await grown('mlflow_gateway_requests_total', async () => {
    for (const made of ['a', 'b', 'c']) {
      await user.get(`/api/2.0/mlflow/${made}`);
      await user.send('PROPFIND', `/${made}`);
    }
  });
  expect(Object.keys(growth).map((labels) => /operation="([^"]*)"/.exec(labels)?.[1])).toEqual(
    Object.keys(growth).map(() => 'none'),
  );
  expect(Object.values(growth).reduce((sum, each) => sum + each, 0)).toBe(6);
});

describe('an outcome', () => {
  const outcomes = (act: () => Promise<unknown>) => grown('mlflow_gateway_outcomes_total', act);

  test.each([
    ['ok', () => gateway.admin.get('/version')],
    ['unauthenticated', () => gateway.anonymous.get('/version')],
    ['denied', () => user.get('/api/2.0/mlflow/experiments/get?experiment_id=1')],
    ['invalid', () => user.get('/api/2.0/mlflow/experiments/get')],
    ['upstream_error', () => gateway.admin.get('/api/2.0/mlflow/fails')],
    ['unavailable', () => gateway.admin.get('/api/2.0/mlflow/dies')],
  ])('is %s', async (outcome, act) => {
    expect(await outcomes(act)).toEqual({ [`outcome="${outcome}"`]: 1 });
  });

  test('is client_gone where the client did not wait for the end', async () => {
    const growth = await outcomes(async () => {
      const { hostname, port } = new URL(gateway.url);
      const socket = connect(Number(port), hostname);
      const { username, password } = gateway.admin;
      const credentials = Buffer.from(`${username}:${password}`).toString('base64');
      socket.write(
        `GET /api/2.0/mlflow/hangs HTTP/1.1\r\nHost: a\r\nAuthorization: Basic ${credentials}\r\n\r\n`,
      );
      await once(socket, 'data');
      socket.destroy();
      const gone = () =>
        gateway.log.some(({ path, whole }) => path === '/api/2.0/mlflow/hangs' && whole === false);
      await expect.poll(gone).toBe(true);
    });
    expect(growth).toEqual({ 'outcome="client_gone"': 1 });
  });
});

test('decisions are counted by what was touched', async () => {
  const growth = await grown('mlflow_gateway_decisions_total', () =>
    user.post('/api/2.0/mlflow/experiments/delete', { experiment_id: '5' }),
  );
  expect(growth).toHaveProperty(['kind="experiment",action="delete",allowed="false"']);
});

test('a look-up that is remembered is told from one that asks', async () => {
  const look = () =>
    user.post('/api/2.0/mlflow/runs/log-metric', { run_id: RUN, key: 'a', value: 1, timestamp: 1 });
  const first = await grown('mlflow_gateway_look_ups_total', look);
  const again = await grown('mlflow_gateway_look_ups_total', look);
  expect([first, again]).toEqual([
    { 'kind="run",found_in="upstream"': 1 },
    { 'kind="run",found_in="memory"': 1 },
  ]);
});

test('failed sign-ins are counted, requests without credentials are not', async () => {
  const growth = await grown('mlflow_gateway_sign_in_failures_total', async () => {
    await gateway.as('nobody', 'wrong').get('/version');
    await gateway.anonymous.send('GET', '/version', { headers: { authorization: 'Basic !' } });
    await gateway.anonymous.get('/version');
    await gateway.admin.get('/version');
  });
  expect(growth).toEqual({ '': 2 });
});

test('the time until MLflow answers is a histogram, and no answer is a failure', async () => {
  const answers = await grown('mlflow_gateway_upstream_duration_seconds_count', () =>
    gateway.admin.get('/x'),
  );
  const failures = await grown('mlflow_gateway_upstream_failures_total', () =>
    gateway.admin.get('/api/2.0/mlflow/dies'),
  );
  expect([answers, failures]).toEqual([{ '': 1 }, { '': 1 }]);
});

test('store, parts, intents and the event loop are told', async () => {
  const { series } = await scrape();
  expect(series('mlflow_gateway_ready')).toEqual({ 'part="store"': 1, 'part="upstream"': 1 });
  expect(series('mlflow_gateway_open_intents')).toEqual({ '': 0 });
  expect(series('mlflow_gateway_store_duration_seconds_count')['']).toBeGreaterThan(0);
  expect(series('nodejs_eventloop_lag_p99_seconds')).toHaveProperty(['']);
  expect(series('mlflow_gateway_upstream_requests')).toEqual({ 'state="running"': 0, 'state="queued"': 0 });
});

test('the port serves nothing else, and the gateway’s own port no metrics to those who are no admin', async () => {
  const statuses = await Promise.all(
    ['/', '/health', '/metrics/x', '/api/2.0/mlflow/users/list'].map(
      async (path) => (await fetch(`${gateway.server.metricsUrl}${path}`)).status,
    ),
  );
  expect(statuses).toEqual([404, 404, 404, 404]);
  expect((await fetch(`${gateway.server.metricsUrl}/metrics`, { method: 'POST' })).status).toBe(404);
  expect((await user.get('/metrics')).status).toBe(403);
});

test('without metrics_port nothing is counted and nothing listens', async () => {
  const silent = await another();
  expect(silent.server.metricsUrl).toBeUndefined();
});
