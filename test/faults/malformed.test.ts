/** Requests that are broken somewhere: each is answered or closed, none with a failure of the gateway's own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { flood } from './malformed.ts';

const COUNT = 3_000;
let upstream: FakeUpstream;
let gateway: TestGateway;

beforeAll(async () => {
  upstream = await startFakeUpstream((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}');
  });
  gateway = await startGateway(upstream.uri);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test(`${COUNT} of a user and of an admin, and both are served as before`, async () => {
  const user = await gateway.person();
  for (const [seed, by] of [
    [1, user],
    [2, gateway.admin],
  ] as const) {
    const { statuses, failures, hung } = await flood(gateway.url, by, { count: COUNT / 2, seed });
    expect(failures).toEqual([]);
    expect(hung).toEqual([]);
    // The generator makes what is refused for many reasons, and what is not.
    expect(Object.keys(statuses).length).toBeGreaterThan(3);
  }
  expect(gateway.log.filter(({ level }) => level === 50)).toEqual([]);
  expect((await user.get('/api/2.0/mlflow/users/current')).status).toBe(200);
});
