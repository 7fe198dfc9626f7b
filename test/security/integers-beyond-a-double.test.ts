/** Integers that a double does not hold are exact in the gateway: no field that has one makes it fail. */
import { describe, expect, test } from 'vitest';
import { operationsOf } from '../../src/mlflow/table/match.ts';
import { ruleOf } from '../../src/mlflow/table/rule-of.ts';
import { ROUTES } from '../../src/routes.ts';
import { OURS } from '../support/everybody.ts';
import { sampleRequests } from '../support/sample-request.ts';
import { useEverybody } from '../support/use-gateway.ts';

const everybody = useEverybody();

/** Fields of any search. */
const OF_SEARCHES = ['max_results', 'page_token', 'filter', 'order_by'];
/** Fields that the gateway's own rows read without locating anything by them. */
const OF_OUR_OWN = [
  'role_id',
  'role_permission_id',
  'username',
  'password',
  'is_admin',
  'name',
  'permission',
  'resource_type',
  'resource_id',
  'resource_pattern',
  'workspace',
];
const ODD = ['9007199254740993', '[9007199254740993]', '{"a":-9007199254740993}'];

const rows = operationsOf(ROUTES)
  .filter(({ method }) => method !== 'GET')
  .map((operation) => ({ name: operation.name, operation }));

describe.each(['no grant', 'MANAGE'] as const)('sent by %s', (role) => {
  test.each(rows)('$name', async ({ operation }) => {
    const [request] = sampleRequests(operation, OURS);
    if (request === undefined || !(request.body ?? '{}').startsWith('{')) {
      return;
    }
    const named: Record<string, unknown> = JSON.parse(request.body ?? '{}');
    const failed = [];
    const more = ruleOf(operation, 'serve') === undefined ? OF_SEARCHES : OF_OUR_OWN;
    for (const field of new Set([...more, ...Object.keys(named)])) {
      for (const odd of ODD) {
        const { [field]: _, ...others } = named;
        const text = JSON.stringify(others)
          .replace('{', `{${JSON.stringify(field)}:${odd},`)
          .replace(',}', '}');
        const { status, text: answer } = await everybody.send(role, { ...request, body: text });
        if (status >= 500) {
          failed.push({ field, odd, status, answer });
        }
      }
    }
    expect(failed).toEqual([]);
  });
});
