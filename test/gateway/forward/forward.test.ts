import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { bytesOf } from '../../support/fake-upstream.ts';
import { ADMIN } from '../../support/gateway.ts';
import { openGateway, useGateway } from '../../support/use-gateway.ts';

const { gateway, admin, upstream } = useGateway({ fake: true, settings: { upstream_timeout_seconds: '1' } });
afterEach(() => upstream.answer(undefined));

const ARTIFACT = '/api/2.0/mlflow-artifacts/artifacts/1/0123456789abcdef0123456789abcdef/artifacts/file';
const MiB = 1024 * 1024;

/** A request of the admin whose body and answer the test moves by itself. */
function open(method: string, path: string, headers: Record<string, string | number> = {}) {
  const sent = httpRequest(`${gateway.url}${path}`, {
    method,
    agent: false,
    headers: {
      authorization: `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`,
      ...headers,
    },
  });
  // A caller who wants to see it fail listens as well.
  sent.on('error', () => {});
  return sent;
}

describe('what the upstream gets', () => {
  test('is the target byte for byte', async () => {
    const target = '/api/2.0/mlflow/experiments/get-by-name?experiment_name=a%20b%2Bc+%C3%A4%26d%3De';
    await admin.get(target);
    expect(upstream.arrived.at(-1)?.url).toBe(target);
  });

  test.each<[string, string]>([
    ['unicode', '{"run_id":"x","key":"schlüssel","value":"値 🙂"}'],
    [
      'a 64-bit integer, NaN as a string and the order of keys',
      '{"z":9223372036854775807,"a":"NaN","0":1.0}',
    ],
    ['blanks and escapes', '{ "a" :\t"\\u00e4\\/" }\n'],
    ['nothing', ''],
    ['what is no JSON at all', 'not { json'],
  ])('is a body with %s byte for byte', async (_what, raw) => {
    for (const path of ['runs/log-metric', 'experiments/create']) {
      await admin.send('POST', `/api/2.0/mlflow/${path}`, {
        raw,
        headers: { 'content-type': 'application/json' },
      });
      const { body, headers } = upstream.arrived.at(-1) ?? {};
      expect(body?.toString('utf8')).toBe(raw);
      expect(headers?.['content-type']).toBe('application/json');
    }
  });

  test('is a body of unknown length, sent on in chunks', async () => {
    const sent = open('PUT', ARTIFACT, { 'transfer-encoding': 'chunked' });
    sent.write('one,');
    sent.end('two');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    await bytesOf(answer);
    expect(answer.statusCode).toBe(200);
    expect(upstream.arrived.at(-1)?.body.toString()).toBe('one,two');
  });

  test('is nothing of who the client is or claims to be', async () => {
    const claims = {
      cookie: 'session=secret',
      'x-mlflow-authorization': 'Basic eDp5',
      'x-mlflow-guardrail-bypass': '1',
      'X-MLFLOW-User': 'admin',
      'x-forwarded-user': 'admin',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/x',
      forwarded: 'for=10.0.0.1',
      'x-remote-user': 'admin',
      'remote-user': 'admin',
      remote_user: 'admin',
      x_forwarded_user: 'admin',
      'x-real-ip': '10.0.0.1',
      'x-amzn-oidc-identity': 'admin',
      'x-goog-authenticated-user-email': 'admin',
      'tailscale-user-login': 'admin',
      'x-email': 'admin',
      'x-groups': 'admins',
      'ssl-client-s-dn': 'CN=admin',
      'x-http-method-override': 'DELETE',
      'script-name': '/x',
      'proxy-authorization': 'Basic eDp5',
      origin: 'https://evil.example',
      referer: 'https://evil.example/',
      via: '1.1 x',
      te: 'trailers',
      connection: 'keep-alive, te',
    };
    const passing = {
      'user-agent': 'mlflow-python-client/3.17.2',
      'x-databricks-trace': 'kept',
      accept: '*/*',
    };
    const paths = ['/version', '/static-files/a.js', '/api/2.0/mlflow/experiments/get?experiment_id=1'];
    for (const path of [...paths, '/api/2.0/mlflow/experiments/create'].slice(1)) {
      const sent = open(path.endsWith('create') ? 'POST' : 'GET', path, { ...claims, ...passing });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      await bytesOf(answer);
      const headers = { ...upstream.arrived.at(-1)?.headers };
      expect(headers).toMatchObject({
        ...passing,
        host: 'localhost',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
      });
      const known = [
        'host',
        'x-forwarded-for',
        'x-forwarded-proto',
        'x-request-id',
        'connection',
        'content-length',
      ];
      expect(Object.keys(headers).filter((name) => !known.includes(name) && !(name in passing))).toEqual([]);
      expect(headers['connection']).not.toContain('x-hop');
      expect(JSON.stringify(headers)).not.toMatch(/evil|secret|10\.0\.0\.1|Basic/);
    }
  });
});

describe('what the client gets', () => {
  test.each([200, 201, 204, 302, 304, 308, 400, 404, 409, 418, 429, 500, 503])(
    'is status %i with its headers',
    async (status) => {
      upstream.answer((_request, response) => {
        response.writeHead(status, { 'x-of-mlflow': 'yes', etag: '"a"', location: '/elsewhere' }).end();
      });
      const answer = await admin.get('/static-files/x');
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({ 'x-of-mlflow': 'yes', etag: '"a"', location: '/elsewhere' });
    },
  );

  test('is the body as it came, packed or not', async () => {
    const packed = gzipSync('{"ä": 9007199254740993}');
    upstream.answer((_request, response) => {
      response
        .writeHead(200, {
          'content-encoding': 'gzip',
          'content-length': packed.length,
          vary: 'accept-encoding',
        })
        .end(packed);
    });
    const answer = await admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1', {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(answer.bytes).toEqual(packed);
    expect(answer.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(packed.length),
      vary: 'accept-encoding',
    });
  });

  test('follows its conditions and ranges', async () => {
    upstream.answer((request, response) => {
      if (request.headers['if-none-match'] === '"a"') {
        response.writeHead(304, { etag: '"a"' }).end();
      } else if (request.headers.range === 'bytes=1-2') {
        response.writeHead(206, { 'content-range': 'bytes 1-2/5' }).end('23');
      } else {
        response.end('12345');
      }
    });
    expect((await admin.get(ARTIFACT, { headers: { 'if-none-match': '"a"' } })).status).toBe(304);
    const part = await admin.get(ARTIFACT, { headers: { range: 'bytes=1-2' } });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '23', 'bytes 1-2/5']);
  });
});

describe('an upstream that fails', () => {
  test('by not being there is 503 in MLflow’s shape, with a time to try again', async () => {
    const { gateway: lonely, upstream: gone } = await openGateway({ fake: true });
    await gone.close();
    for (const ask of [
      lonely.admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1'),
      lonely.admin.post('/api/2.0/mlflow/experiments/create', { name: 'x' }),
      lonely.anonymous.get('/static-files/x'),
    ]) {
      const answer = await ask;
      expect(answer.status).toBe(503);
      expect(answer.json).toEqual({ error_code: 'TEMPORARILY_UNAVAILABLE', message: expect.any(String) });
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1/);
    }
  });

  test('by not answering in time is 504', async () => {
    upstream.answer(() => {});
    const answers = await Promise.all([
      admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1'),
      admin.post('/api/2.0/mlflow/registered-models/create', { name: 'x' }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(504);
      expect(answer.json).toEqual({ error_code: 'DEADLINE_EXCEEDED', message: expect.any(String) });
    }
  });

  test('by closing without an answer is 503, and is asked only once', async () => {
    let asked = 0;
    upstream.answer((request) => {
      asked += 1;
      request.socket.destroy();
    });
    const answer = await admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1');
    expect(answer.status).toBe(503);
    expect(asked).toBe(1);
  });

  test.each([
    ['with a length', { 'content-length': 100_000 }],
    ['with a short length', { 'content-length': 1000 }],
    ['in chunks', {}],
  ])('by breaking off an answer %s breaks off ours: it never looks whole', async (_how, headers) => {
    upstream.answer((request, response) => {
      response.writeHead(200, headers);
      response.write('a part', () => request.socket.destroy());
    });
    await expect(admin.get(ARTIFACT)).rejects.toThrow();
  });

  test('by falling silent halfway breaks off ours', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(200);
      response.write('a part');
    });
    await expect(admin.get(ARTIFACT)).rejects.toThrow();
  });

  test('by breaking off an answer that is read whole is 503', async () => {
    upstream.answer((request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"experiment_id":', () => request.socket.destroy());
    });
    expect((await admin.post('/api/2.0/mlflow/experiments/create', { name: 'x' })).status).toBe(503);
  });

  test('by answering what is no HTTP is 503', async () => {
    upstream.answer((request) => {
      request.socket.end('SSH-2.0-OpenSSH_9.6\r\n');
    });
    expect((await admin.get('/api/2.0/mlflow/experiments/get?experiment_id=1')).status).toBe(503);
  });

  test('works again as soon as it is back', async () => {
    upstream.answer((request) => request.socket.destroy());
    expect((await admin.get('/static-files/x')).status).toBe(503);
    upstream.answer(undefined);
    expect((await admin.get('/static-files/x')).status).toBe(200);
  });
});

describe('streams', () => {
  const SIZE = 96 * MiB;
  const chunk = Buffer.alloc(MiB, 'artifact');

  test('a large download and a large upload arrive as they were sent', async () => {
    const received = createHash('sha256');
    let length = 0;
    upstream.answer(async (request, response) => {
      if (request.method === 'GET') {
        Readable.from(
          (function* () {
            for (let at = 0; at < SIZE; at += chunk.length) {
              yield chunk;
            }
          })(),
        ).pipe(response);
        return;
      }
      for await (const part of request) {
        length += part.length;
        received.update(part);
      }
      response.end();
    });
    const sentHash = createHash('sha256');
    for (let at = 0; at < SIZE; at += chunk.length) {
      sentHash.update(chunk);
    }

    const down = open('GET', ARTIFACT);
    down.end();
    const [answer] = (await once(down, 'response')) as [IncomingMessage];
    let got = 0;
    for await (const part of answer) {
      got += part.length;
    }
    expect(got).toBe(SIZE);

    const up = open('PUT', ARTIFACT, { 'content-length': SIZE });
    for (let at = 0; at < SIZE; at += chunk.length) {
      if (!up.write(chunk)) {
        await once(up, 'drain');
      }
    }
    up.end();
    const [stored] = (await once(up, 'response')) as [IncomingMessage];
    await bytesOf(stored);
    expect(length).toBe(SIZE);
    expect(received.digest('hex')).toBe(sentHash.digest('hex'));
  });

  test('an upstream that refuses an upload before its end is heard', async () => {
    upstream.answer((_request, response) => {
      response.writeHead(413, { 'content-type': 'text/plain', connection: 'close' }).end('too large');
    });
    const sent = open('PUT', ARTIFACT, { 'content-length': SIZE });
    sent.write('a part');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(413);
    expect((await bytesOf(answer)).toString()).toBe('too large');
    sent.destroy();
  });

  test('an upstream that breaks off an upload ends it for the client too', async () => {
    upstream.answer((request) => request.socket.destroy());
    const sent = open('PUT', ARTIFACT, { 'content-length': SIZE, connection: 'keep-alive' });
    sent.write('a part');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    await bytesOf(answer);
    expect([answer.statusCode, answer.headers.connection]).toEqual([503, 'close']);
    if (!answer.socket.closed) {
      await once(answer.socket, 'close');
    }
  });
});

test('a gateway that drains lets a download end', async () => {
  let finish = () => {};
  const { gateway: draining } = await openGateway({
    fake: (_request, response) => {
      response.write('first');
      finish = () => response.end('last');
    },
    settings: { drain_seconds: '5' },
  });
  const sent = httpRequest(`${draining.url}/static-files/x`, { agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const closed = draining.close();
  finish();
  expect((await bytesOf(answer)).toString()).toBe('firstlast');
  await closed;
});
