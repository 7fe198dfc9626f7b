/**
 * Invariant 1: what the table does not know is refused to everyone but an admin. CVE-2026-0545 and
 * CVE-2026-2652: that holds whichever of the upstream's frameworks would serve it.
 */
import { expect, test } from 'vitest';
import { operationsOf } from '../../src/mlflow/table/match.ts';
import { ROUTES } from '../../src/routes.ts';
import { OURS, ROLES } from '../support/everybody.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

const [ping] = operationsOf(ROUTES)
  .filter(({ name }) => name === 'GET /version')
  .flatMap((operation) => sampleRequests(operation, OURS));
if (ping === undefined) {
  throw new Error('the table has no GET /version');
}

/** Neighbours of what the table knows, as an allow-list by prefix or pattern would let through. */
const UNKNOWN: readonly (readonly [method: string, target: string])[] = [
  ['GET', '/api/2.0/mlflow/brand-new/operation'],
  ['POST', '/api/4.0/mlflow/runs/search'],
  ['DELETE', '/api/2.0/mlflow/runs/get'],
  ['POST', '/ajax-api/3.0/brand-new'],
  ['GET', '/healthz'],
  ['GET', '/health/x'],
  ['GET', '/Health'],
  ['GET', '/static-filesx/a.js'],
  ['GET', '/API/2.0/mlflow/experiments/search'],
  ['GET', '/openapi.json'],
  ['GET', '/docs'],
  ['POST', '/v1/traces/x'],
  ['PUT', '/version'],
];

test.each(UNKNOWN)('%s %s', async (method, target) => {
  for (const role of ROLES) {
    const { status, arrived } = await everybody.send(role, { ...ping, target }, { method });
    const expected = role === 'anonymous' ? 401 : role === 'admin' ? 200 : 403;
    expect.soft({ role, status, arrived: arrived !== undefined }).toEqual({
      role,
      status: expected,
      arrived: role === 'admin',
    });
  }
});

test('a refusal says in the log that no row matches, and not to the caller', async () => {
  const target = '/api/2.0/mlflow/unheard-of';
  const { text } = await everybody.send('MANAGE', { ...ping, target });
  const lines = everybody.gateway.log.filter((line) => line['path'] === target);
  expect(lines).toMatchObject([{ because: 'no row of the table matches', status: 403 }]);
  expect(text).not.toContain('row');
});
