/** What one client without an account is answered is not what others get: of files that need none, whole ones alone are kept. */
import { describe, expect, test } from 'vitest';
import { MLFLOW_VERSIONS } from '../support/mlflow.ts';
import { openGateway, useGateway } from '../support/use-gateway.ts';

/** Each asks for less than the file, or for another one. */
const ASKED: readonly Readonly<Record<string, string>>[] = [
  { 'if-match': '"another"' },
  { 'if-match': '"another"', 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
  { 'if-unmodified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
  { 'if-none-match': '*' },
  { 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
  { range: 'bytes=0-3' },
  { range: 'bytes=99999999-' },
  { range: 'nothing' },
  { accept: 'application/json' },
  { 'accept-encoding': 'gzip' },
  { 'cache-control': 'only-if-cached' },
];

describe.each(MLFLOW_VERSIONS)('in front of MLflow %s', (version) => {
  const { gateway } = useGateway({ version });

  test.each(ASKED)('a file that was asked for with %j is whole for the next', async (headers) => {
    const file = `/static-files/favicon.ico?for=${encodeURIComponent(JSON.stringify(headers))}`;
    for (const method of ['HEAD', 'GET']) {
      await gateway.anonymous.send(method, file, { headers });
    }
    const { status, bytes } = await gateway.anonymous.get(file);
    expect([status, bytes.length > 1000]).toEqual([200, true]);
  });
});

test('whatever MLflow says of an answer that is no file', async () => {
  const statuses = [203, 301, 308, 404, 405, 410, 412, 414, 416, 500, 501];
  const { gateway, upstream } = await openGateway({ fake: true });
  for (const status of statuses) {
    const file = `/static-files/${status}.js`;
    for (const [answered, expected] of [
      [status, status],
      [200, 200],
      [500, 200],
    ] as const) {
      upstream.answer((_request, response) => {
        response.writeHead(answered, {
          'cache-control': 'public, max-age=1000',
          'content-type': 'text/plain',
        });
        response.end('answered');
      });
      expect([file, (await gateway.anonymous.get(file)).status]).toEqual([file, expected]);
    }
  }
});
