/** MLflow's page gets one line more, by which it leads to the gateway's; everything else stays byte for byte. */
import { expect, test } from 'vitest';
import { useGateway } from '../../support/use-gateway.ts';

const { admin, alice, upstream } = useGateway({ fake: true, people: ['alice'] });
const LINE = '<script type="module" src="auth/in-mlflow.js"></script>';

/** What MLflow answers for its page. */
function pageIs(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
  upstream.answer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers });
    response.end(body);
  });
}

test.each([
  ['an admin', () => admin],
  ['a user', () => alice],
])('%s gets the line at the end of the head', async (_who, person) => {
  pageIs('<html><head><title>MLflow ü</title></head><body></body></html>');
  const { text, headers } = await person().get('/');
  expect(text).toBe(`<html><head><title>MLflow ü</title>${LINE}</head><body></body></html>`);
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(text));
});

test.each([
  ['no head', '<html><body></body></html>', {}],
  ['two ends of a head', '<head></head><pre></head></pre>', {}],
  ['no HTML', '<head></head>', { 'content-type': 'text/plain' }],
  [
    'a policy of its own, which might forbid it',
    '<head></head>',
    { 'content-security-policy': "default-src 'self'" },
  ],
  ['packed bytes', Buffer.from([1, 2, 0xff, 0xfe]), { 'content-encoding': 'br' }],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), {}],
])('with %s it stays as it is', async (_what, body, headers) => {
  pageIs(body, headers);
  const { bytes } = await alice.get('/', { headers: { 'accept-encoding': 'br' } });
  expect(bytes).toEqual(Buffer.from(body));
});

test('an error of MLflow stays as it is', async () => {
  upstream.answer((_request, response) => {
    response.writeHead(500, { 'content-type': 'text/html' });
    response.end('<head></head>');
  });
  expect((await alice.get('/')).text).toBe('<head></head>');
});

test('other pages stay as they are', async () => {
  pageIs('<head></head>');
  expect((await alice.get('/static-files/page.html')).text).toBe('<head></head>');
});

test('the script that it loads is there for everybody', async () => {
  const { status, headers } = await alice.get('/auth/in-mlflow.js');
  expect([status, headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
});

test('it is not loaded again while it has not changed; as MLflow gave it, it is', async () => {
  pageIs('<head></head>', { etag: '"1-2"', 'last-modified': 'Sun, 29 Nov 2026 10:00:00 GMT' });
  const { headers } = await alice.get('/');
  expect(headers['etag']).toBe('"1-2-linked"');
  expect(headers['last-modified']).toBeUndefined();
  const known = (etag: string) => alice.get('/', { headers: { 'if-none-match': etag } });
  const again = await known('"1-2-linked"');
  expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', '"1-2-linked"']);
  expect((await known('"1-2"')).status).toBe(200);
});
