import { expect, test } from 'vitest';
import { useGateway } from '../../support/use-gateway.ts';

const { upstream, admin } = useGateway({ fake: true });

const SECRET = '/api/3.0/mlflow/gateway/secrets/create';
const BUDGET = '/api/3.0/mlflow/gateway/budgets/create';

/** What arrives of a body. */
async function arrives(by: typeof admin, target: string, raw: string): Promise<string> {
  await by.send('POST', target, { raw, headers: { 'content-type': 'application/json' } });
  return String(upstream.arrived.at(-1)?.body);
}

test('an admin who says nothing is named, and may name somebody else', async () => {
  for (const target of [SECRET, BUDGET]) {
    expect(JSON.parse(await arrives(admin, target, '{"secret_name":"a"}'))).toEqual({
      secret_name: 'a',
      created_by: 'admin',
    });
    for (const raw of ['{ "created_by":"other" }', '{ "createdBy" : "other" }']) {
      expect(await arrives(admin, target, raw)).toBe(raw);
    }
    expect(JSON.parse(await arrives(admin, target, '{"created_by":null}'))).toEqual({ created_by: 'admin' });
  }
});

test('an admin’s body that is no object goes on as it is', async () => {
  for (const raw of ['[]', 'not JSON', '"{}"']) {
    expect(await arrives(admin, BUDGET, raw)).toBe(raw);
  }
});
