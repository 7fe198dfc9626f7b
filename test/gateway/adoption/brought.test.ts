/** Experiments that MLflow makes by itself, where its answers are not what they seem. */
import type { ServerResponse } from 'node:http';
import { beforeEach, expect, test } from 'vitest';
import { grant, grantOn, type Person } from '../../support/gateway.ts';
import { useGateway } from '../../support/use-gateway.ts';

const ENDPOINTS = '/api/3.0/mlflow/gateway/endpoints';
/** Experiments by name, and what the endpoint logs to. */
let experiments = new Map<string, string>();
let logsTo: string | undefined;
/** Does what MLflow does by itself; another request may come between. */
let make: (response: ServerResponse) => void;
/** Whether it says what is there. */
let says = true;

const { gateway, admin, alice, bob } = useGateway({
  fake: (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const name = searchParams.get('experiment_name') ?? '';
    const experiment_id = experiments.get(name);
    response.setHeader('content-type', 'application/json');
    if (pathname.endsWith('/endpoints/update') || pathname.endsWith('/endpoints/create')) {
      make(response);
    } else if (!says) {
      response.writeHead(500).end('{}');
    } else if (pathname.endsWith('/endpoints/get')) {
      response.end(JSON.stringify({ endpoint: { endpoint_id: 'e-1', name: 'mine' } }));
    } else if (pathname.endsWith('/get-by-name') && experiment_id !== undefined) {
      response.end(JSON.stringify({ experiment: { experiment_id, name, creation_time: Date.now() } }));
    } else {
      response.writeHead(404).end('{}');
    }
  },
  people: ['alice', 'bob'],
});

beforeEach(async () => {
  experiments = new Map();
  says = true;
  logsTo = undefined;
  make = (response) => {
    logsTo ??= '8';
    experiments.set('gateway/mine', '8');
    response.end(JSON.stringify({ endpoint: { endpoint_id: 'e-1', name: 'mine', experiment_id: logsTo } }));
  };
  await grantOn(admin, bob, 'gateway_endpoint', 'e-1', 'EDIT').catch(() => undefined);
});

const track = (by: Person = bob) =>
  by.post(`${ENDPOINTS}/update`, { endpoint_id: 'e-1', usage_tracking: true });

const held = async (by: Person, id: string) =>
  (await gateway.server.store.grants.forResource('experiment', id)).flatMap(({ holder, permission }) =>
    holder.kind === 'user' && holder.username === by.username ? [permission] : [],
  );

test('is of the user for whom MLflow has made it', async () => {
  expect((await track()).status).toBe(200);
  expect(await held(bob, '8')).toEqual(['MANAGE']);
});

test('one that the answer names, and that another request has put there, is not', async () => {
  await grant(admin, alice, { experiment: '7' }, 'MANAGE');
  await grant(admin, bob, { experiment: '7' }, 'EDIT');
  make = (response) =>
    response.end(JSON.stringify({ endpoint: { endpoint_id: 'e-1', name: 'mine', experiment_id: '7' } }));
  expect((await track()).status).toBe(200);
  expect([await held(alice, '7'), await held(bob, '7')]).toEqual([['MANAGE'], ['EDIT']]);
  expect(await gateway.server.store.intents.list()).toEqual([]);
});

test('one that is there already stays with those who have it', async () => {
  await grant(admin, alice, { experiment: '9' }, 'MANAGE');
  await grant(admin, bob, { experiment: '9' }, 'EDIT');
  experiments.set('gateway/mine', '9');
  make = (response) => response.end(JSON.stringify({ endpoint: { experiment_id: '9' } }));
  expect((await track()).status).toBe(200);
  expect((await track(admin)).status).toBe(200);
  expect([await held(alice, '9'), await held(bob, '9')]).toEqual([['MANAGE'], ['EDIT']]);
});

test('is found out where nobody heard the answer', async () => {
  make = (response) => {
    experiments.set('gateway/mine', '10');
    response.destroy();
  };
  expect((await track()).status).toBe(503);
  await expect.poll(() => held(bob, '10'), { timeout: 20_000 }).toEqual(['MANAGE']);
});

test('and nothing is asked of MLflow where it does not say what is there', async () => {
  let isMade = false;
  make = (response) => {
    isMade = true;
    response.end('{}');
  };
  says = false;
  expect((await track()).status).toBe(503);
  expect((await track(admin)).status).toBe(503);
  expect(isMade).toBe(false);
});
