/**
 * Who sends a request is looked for once more where any of its body has come since: what was changed in between counts.
 */
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { authenticate, authenticateAgain } from '../../src/gateway/authenticate.ts';
import { createEndOfTurn } from '../../src/gateway/end-of-turn.ts';
import { read } from '../../src/gateway/read.ts';
import { transport } from '../../src/gateway/transport.ts';
import { principalOf } from '../../src/identity/accounts.ts';
import type { Authenticator, Verdict } from '../../src/identity/principal.ts';

const HEAD = 'POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n';
const BODY = '{}';

/** Starts a gateway that knows callers this way alone; answers what speaks to it, and when all of a request has come. */
async function start(way: Authenticator): Promise<{ socket: Socket; whole: () => Promise<void> }> {
  const app = Fastify({ forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  transport(app);
  authenticate(app, [way], '', createEndOfTurn());
  read(app, {
    maxJsonBodyBytes: 1000,
    upstream: { lastVersion: () => undefined },
    enforcement: 'enforce',
  });
  authenticateAgain(app, [way], '');
  app.post('/x', async ({ way: { bytes } }) => bytes?.toString());
  await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => app.close());
  let request: IncomingMessage | undefined;
  app.server.prependListener('request', (raw) => {
    request = raw;
  });
  const address = app.server.address();
  return {
    socket: connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1'),
    async whole() {
      while (request?.complete !== true) {
        await setImmediate();
      }
    },
  };
}

const admin: Verdict = principalOf({
  user: { id: 1, username: 'admin', isAdmin: true, isActive: true, mustChangePassword: false } as never,
  grants: [],
});

/** Counts the looks at a request of an admin, the rest of which is sent at the first of them. */
async function looksAt(before: string, atFirst: string, answer: 'at once' | 'once all has come') {
  let looks = 0;
  const { socket, whole } = await start({
    authenticate() {
      looks += 1;
      if (looks === 1) {
        socket.write(atFirst);
      }
      return answer === 'at once' ? admin : whole().then(() => admin);
    },
  } as Authenticator);
  socket.write(before);
  const answered = await text(socket);
  expect(answered).toMatch(/^HTTP\/1\.1 200 /);
  expect(answered).toMatch(/\{\}$/);
  return looks;
}

test('a request that had come whole is looked at once', async () => {
  expect(await looksAt(HEAD + BODY, '', 'at once')).toBe(1);
  expect(await looksAt(HEAD + BODY, '', 'once all has come')).toBe(1);
});

test('one whose body comes right after the first look is looked at again', async () => {
  expect(await looksAt(HEAD, BODY, 'at once')).toBe(2);
  expect(await looksAt(`${HEAD}{`, '}', 'at once')).toBe(2);
});

test('so is one whose body has come by the time that a database has answered', async () => {
  expect(await looksAt(HEAD, BODY, 'once all has come')).toBe(2);
});
