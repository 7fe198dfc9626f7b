/** HEAD is GET without its body: judged alike, answered alike, and never a failure of the gateway. */
import { describe, expect, test } from 'vitest';
import { operationsOf } from '../../src/mlflow/table/match.ts';
import { ROUTES } from '../../src/routes.ts';
import { OURS } from '../support/everybody.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

const rows = operationsOf(ROUTES)
  .filter(({ method }) => method === 'GET')
  .map((operation) => ({ name: operation.name, operation }));

describe.each(['anonymous', 'no grant', 'MANAGE', 'admin'] as const)('of %s', (role) => {
  test.each(rows)('$name', async ({ operation }) => {
    for (const request of sampleRequests(operation, OURS)) {
      const get = await everybody.send(role, request);
      const head = await everybody.send(role, request, { method: 'HEAD' });
      expect({ target: request.target, status: head.status, text: head.text }).toEqual({
        target: request.target,
        status: get.status,
        text: '',
      });
      expect(head.status).toBeLessThan(500);
    }
  });
});
