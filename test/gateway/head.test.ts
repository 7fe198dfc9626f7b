import { expect, test } from 'vitest';
import { useGateway } from '../support/use-gateway.ts';

const { gateway, upstream } = useGateway({ fake: true });

test.each([
  '/api/2.0/mlflow/experiments/get?experiment_id=1',
  '/api/2.0/mlflow/experiments/search?max_results=5',
  '/api/2.0/mlflow/registered-models/search',
  '/api/2.0/mlflow/experiments/get-by-name?experiment_name=x',
  '/api/2.0/mlflow-artifacts/artifacts?path=1/0123456789abcdef0123456789abcdef/artifacts',
  '/get-artifact?run_id=0123456789abcdef0123456789abcdef&path=x',
])(
  'HEAD never reaches a handler that would not look at the query, but is answered as GET is: %s',
  async (target) => {
    const head = await gateway.admin.send('HEAD', target);
    expect(upstream.arrived).toContainEqual(expect.objectContaining({ method: 'GET', url: target }));
    expect(upstream.arrived.map(({ method }) => method)).not.toContain('HEAD');
    const get = await gateway.admin.get(target);
    expect([head.status, head.headers['content-length'], head.text]).toEqual([
      200,
      get.headers['content-length'],
      '',
    ]);
  },
);

test('HEAD of a large file has its length, and takes none of it', async () => {
  const length = 50_000_000;
  const broken = new Promise((resolve) => {
    upstream.answer((request, response) => {
      if (request.method !== 'GET') {
        response.writeHead(405).end();
      }
      response.writeHead(200, { 'content-length': length }).write(Buffer.alloc(length - 1));
      response.once('close', resolve);
    });
  });
  const target = '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/large';
  const { status, headers, bytes } = await gateway.admin.send('HEAD', target);
  upstream.answer(undefined);
  expect([status, headers['content-length'], bytes.byteLength]).toEqual([200, String(length), 0]);
  await broken;
  expect((await gateway.admin.get(target)).status).toBe(200);
});

test.each([
  '/',
  '/version',
  '/static-files/a.js?v=1',
  '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/file',
  '/api/2.0/mlflow/users/current',
])('HEAD is answered for what its path names: %s', async (target) => {
  expect((await gateway.admin.send('HEAD', target)).status).toBe(200);
});

test('HEAD is refused as GET is to a caller who may not', async () => {
  const alice = await gateway.person('alice');
  const target = '/api/2.0/mlflow/experiments/get?experiment_id=1';
  expect((await alice.send('HEAD', target)).status).toBe(403);
  expect((await gateway.anonymous.send('HEAD', target)).status).toBe(401);
});
