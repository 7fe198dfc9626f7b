import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { isAskedAtStart } from '../../support/fake-upstream.ts';
import { ADMIN } from '../../support/gateway.ts';
import { useGateway } from '../../support/use-gateway.ts';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

let answering: Answering;
/** What the test sent, as it arrived at the upstream. */
let arrived: IncomingMessage[];

const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
const PATH = '/ajax-api/2.0/anything';

const { gateway, another } = useGateway({
  fake: (request, response) => {
    if (isAskedAtStart(request)) {
      response.writeHead(404).end();
      return;
    }
    arrived.push(request);
    answering(request, response);
  },
  version: '3.17.2',
  settings: { upstream_timeout_seconds: '2' },
});

beforeEach(() => {
  arrived = [];
});

/** A request whose sending and receiving the test steers itself. */
function open(method: string, headers: Record<string, string> = {}) {
  return request(new URL(PATH, gateway.url), {
    method,
    headers: { authorization, ...headers },
    agent: false,
  });
}

describe('the answer', () => {
  it('has the status, the headers and the bytes of the upstream', async () => {
    answering = (_, response) => {
      response.writeHead(418, { etag: '"1"', 'content-type': 'text/x', 'x-two': ['a', 'b'] });
      response.end(Buffer.from([0, 255, 10]));
    };
    const { status, headers, bytes } = await gateway.admin.get(PATH);
    expect(status).toBe(418);
    expect(headers).toMatchObject({ etag: '"1"', 'content-type': 'text/x', 'x-two': ['a', 'b'] });
    expect([...bytes]).toEqual([0, 255, 10]);
  });

  describe.each([1, 256, 16_384, 16_385, 70_000])('of %i bytes', (length) => {
    const sent = Buffer.from(Array.from({ length }, (_, index) => (index * 7) % 256));

    it.each([
      ['in one piece', [sent]],
      ['in two', [sent.subarray(0, length / 2), sent.subarray(length / 2)]],
    ])('arrives byte for byte, sent %s, with its length or without', async (_, pieces) => {
      for (const announced of [{ 'content-length': length }, {}]) {
        answering = (_request, response) => {
          response.writeHead(200, announced);
          for (const piece of pieces) {
            response.write(piece);
          }
          response.end();
        };
        const { bytes, headers } = await gateway.admin.get(PATH);
        expect(bytes.equals(sent)).toBe(true);
        expect(headers['content-length']).toBe('content-length' in announced ? String(length) : undefined);
      }
    });
  });

  it('has no headers of the upstream’s own connection, cookies or CORS rules', async () => {
    answering = (_, response) => {
      response.writeHead(200, {
        'set-cookie': 'session=1',
        server: 'upstream',
        'access-control-allow-origin': '*',
        'keep-alive': 'timeout=1',
        upgrade: 'h2c',
        'proxy-authenticate': 'Basic',
        'alt-svc': 'h3=":1"',
        'clear-site-data': '"*"',
        connection: 'keep-alive, X-Hop',
        'x-hop': '1',
        'x-kept': '1',
      });
      response.end();
    };
    const { headers } = await gateway.admin.get(PATH);
    expect(headers['x-kept']).toBe('1');
    for (const name of [
      'set-cookie',
      'server',
      'access-control-allow-origin',
      'upgrade',
      'proxy-authenticate',
      'alt-svc',
      'clear-site-data',
      'x-hop',
    ]) {
      expect(headers).not.toHaveProperty(name);
    }
  });

  it.each([
    ['streamed', '/'],
    ['read whole', '/api/2.0/mlflow/experiments/search?max_results=1'],
  ])('that announces trailers is an answer all the same, %s', async (_, target) => {
    answering = (_, response) => {
      response.writeHead(200, { trailer: 'X-Sum', 'transfer-encoding': 'chunked' });
      response.addTrailers({ 'X-Sum': '1' });
      response.end('{}');
    };
    const { status, headers, text: body } = await (await gateway.person()).get(target);
    expect([status, body, headers['trailer']]).toEqual([200, '{}', undefined]);
  });

  it.each([204, 304])('may have no body: %i', async (code) => {
    answering = (_, response) => response.writeHead(code, { etag: '"2"' }).end();
    const { status, headers, bytes } = await gateway.admin.get(PATH);
    expect([status, headers['etag'], bytes.length]).toEqual([code, '"2"', 0]);
  });

  it('to HEAD has the length that GET would have, and no body', async () => {
    answering = (_, response) => response.writeHead(200, { 'content-length': 1234 }).end();
    const { status, headers, bytes } = await gateway.admin.send('HEAD', PATH);
    expect([status, headers['content-length'], bytes.length]).toEqual([200, '1234', 0]);
  });

  it('begins while the upstream is still sending', async () => {
    let finish = () => {};
    answering = (_, response) => {
      response.write('first');
      finish = () => response.end('last');
    };
    const sent = open('GET').end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const [first] = await once(answer, 'data');
    expect(String(first)).toBe('first');
    finish();
    expect(await text(answer)).toBe('last');
  });

  it('does not look complete when the upstream breaks off', async () => {
    answering = (_, response) => {
      response.write('a part of it', () => response.destroy());
    };
    const sent = open('GET').end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    await expect(text(answer)).rejects.toThrow();
    expect(answer.complete).toBe(false);
  });

  it('waits for a client that reads slowly', async () => {
    const size = 64 * 1024 * 1024;
    const block = Buffer.alloc(64 * 1024);
    let written = 0;
    answering = (_, response) => {
      const more = () => {
        while (written < size) {
          written += block.length;
          if (!response.write(block)) {
            return;
          }
        }
        response.end();
      };
      response.on('drain', more);
      more();
    };
    const sent = open('GET').end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.pause();
    let before = -1;
    // As long as anything still moves, the buffers of the sockets are filling.
    while (written !== before) {
      before = written;
      await gateway.anonymous.get('/health');
      await gateway.anonymous.get('/health');
    }
    expect(written).toBeLessThan(size / 2);
    let received = 0;
    for await (const chunk of answer) {
      received += (chunk as Buffer).length;
    }
    expect(received).toBe(size);
  });

  it('is 503 when there is none', async () => {
    answering = (request) => request.socket.destroy();
    const { status, json } = await gateway.admin.get(PATH);
    expect([status, json.error_code]).toEqual([503, 'TEMPORARILY_UNAVAILABLE']);
  });

  it('is 503 when its status is none of HTTP', async () => {
    answering = (_, response) => response.writeHead(700).end('odd');
    const { status, json } = await gateway.admin.get(PATH);
    expect([status, json.error_code]).toEqual([503, 'TEMPORARILY_UNAVAILABLE']);
  });

  it('is 504 when it takes too long', async () => {
    answering = () => {};
    expect((await gateway.admin.get(PATH)).status).toBe(504);
  });
});

describe('the request', () => {
  const echo: Answering = (request, response) => request.pipe(response);

  it('arrives with its query and its bytes as they were sent', async () => {
    answering = echo;
    const raw = '{"step": 9223372036854775807, "value": "NaN", "a": 1.0}';
    const headers = { 'content-type': 'application/json' };
    const { text: echoed } = await gateway.admin.send('POST', `${PATH}?b=2&a=%20`, { raw, headers });
    expect(echoed).toBe(raw);
    expect(arrived[0]?.url).toBe(`${PATH}?b=2&a=%20`);
    expect(arrived[0]?.headers['content-length']).toBe(String(raw.length));
  });

  it('streams, chunk after chunk', async () => {
    answering = echo;
    const sent = open('PUT');
    sent.write('one');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const [first] = await once(answer, 'data');
    expect(String(first)).toBe('one');
    sent.end('two');
    expect(await text(answer)).toBe('two');
  });

  it('ends at the upstream when the client goes away while it waits', async () => {
    const ended = new Promise((resolve) => {
      answering = (_, response) => response.on('close', () => resolve(response.writableFinished));
    });
    // Waits for as long as it takes: nothing but the client's leaving ends this.
    const patient = await another();
    const sent = request(new URL(PATH, patient.url), { headers: { authorization }, agent: false }).end();
    sent.on('error', () => {});
    while (arrived.length === 0) {
      await patient.anonymous.get('/health');
    }
    sent.destroy();
    expect(await ended).toBe(false);
  });

  it('ends at the upstream when the client goes away while it sends', async () => {
    const ended = new Promise((resolve) => {
      answering = (request) => {
        request.resume();
        request.on('error', () => resolve(request.complete));
      };
    });
    const sent = open('PUT', { 'content-length': '1000000' });
    sent.on('error', () => {});
    sent.write('a part');
    while (arrived.length === 0) {
      await gateway.anonymous.get('/health');
    }
    sent.destroy();
    expect(await ended).toBe(false);
  });

  it('that is answered before it was read ends its connection, so that nobody takes its rest for another', async () => {
    answering = (_, response) => response.writeHead(413).end('too much');
    const { port, hostname } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(
      `PUT ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 1000000\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    const received = await text(socket);
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    expect(received).toMatch(/^connection: close\r$/im);
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});
