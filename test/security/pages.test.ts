/**
 * The pages for people run nothing but their own files, show every name as text, and are shown in no frame of another's.
 */
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Browsers, installBrowsers, type Seat } from '../support/browser.ts';
import { listen } from '../support/listen.ts';
import { useGateway } from '../support/use-gateway.ts';

const A2 = '/api/2.0/mlflow';
const A3 = '/api/3.0/mlflow';
const PAGES = ['account', 'share/experiment/7', 'admin/users', 'admin/users/admin', 'admin/roles', 'api'];

/** Would say so if it ran. */
const SCRIPT = '"><img src=x onerror=hacked()><script>hacked()</script>';

const { gateway, admin, alice, upstream, another } = useGateway({ fake: true, people: ['alice'] });

describe('in what is served', () => {
  test.each(PAGES)('the policy of %s lets nothing in but files of the gateway', async (path) => {
    const { headers, text } = await admin.get(`/auth/${path}`);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'",
    );
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i);
  });

  test('the address of a page is repeated nowhere in it', async () => {
    const there = await admin.get('/auth/share/experiment/%3Cscript%3Ehacked()%3C%2Fscript%3E');
    expect(there.text).not.toContain('hacked');
    expect((await admin.get('/auth/admin/users/hacked')).text).not.toContain('hacked');
  });

  test('no other file is served beside those of the pages', async () => {
    for (const name of [
      '..%2findex.html',
      '%2e%2e',
      'index.html',
      'licenses.md',
      '__proto__',
      'constructor',
    ]) {
      const { status, text } = await admin.get(`/auth/assets/${name}`);
      expect(status, name).toBeGreaterThanOrEqual(400);
      expect(text).not.toContain('<!doctype html>\n<html lang="en">\n  <head>');
    }
  });

  test('behind a prefix the page names it, and nothing outside of it', async () => {
    const other = await another({ static_prefix: '/mlflow' });
    const { text } = await other.admin.get('/mlflow/auth/account');
    const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
    expect(named.filter((address) => !address?.startsWith('data:'))).toSatisfy((addresses: string[]) =>
      addresses.every((address) => address.startsWith('/mlflow/auth/assets/')),
    );
    expect(text).toContain('<meta name="gateway-prefix" content="/mlflow">');
  });
});

describe('in a browser', () => {
  let browsers: Browsers;
  let seat: Seat;

  beforeAll(async () => {
    browsers = await installBrowsers();
    seat = await browsers.open(gateway.url, gateway.admin);
    await seat.page.addInitScript('window.hacked = () => { window.wasHacked = true }');
  });
  afterAll(() => browsers.close());

  const staysText = async (path: string, text: string, at = 0) => {
    await seat.page.goto(path);
    await seat.page.getByText(text).nth(at).waitFor();
    expect(await seat.page.evaluate('window.wasHacked')).toBeUndefined();
    expect(await seat.page.locator('img').count()).toBe(0);
    expect(seat.takeTrouble().filter((line) => /^(?:console|crash)/.test(line))).toEqual([]);
  };

  test('a script in a name stays text: of a user, a role, a token, an experiment, in the audit log', async () => {
    // A user's name has no colon; the rest of a script has none either.
    await gateway.admin.post(`${A2}/users/create`, { username: SCRIPT, is_service: true });
    await gateway.admin.post(`${A3}/roles/create`, {
      name: SCRIPT,
      workspace: 'default',
      description: SCRIPT,
    });
    await gateway.admin.post(`${A2}/users/tokens/create`, { name: SCRIPT });
    const on = { resource_type: 'experiment', resource_id: '7' };
    await gateway.admin.post(`${A3}/users/permissions/grant`, {
      username: SCRIPT,
      ...on,
      permission: 'READ',
    });
    upstream.answer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ experiment: { experiment_id: '7', name: SCRIPT } }));
    });
    await staysText('/auth/share/experiment/7', `Share experiment ${SCRIPT}`);
    await staysText('/auth/admin/users', SCRIPT);
    await seat.page.getByRole('link', { name: SCRIPT }).click();
    await seat.page.getByRole('heading', { level: 1, name: SCRIPT }).waitFor();
    await staysText('/auth/admin/roles', SCRIPT);
    await staysText('/auth/admin/tokens', SCRIPT);
    await staysText('/auth/account', SCRIPT);
    await staysText('/auth/admin/audit', SCRIPT);
  });

  test('a script in an address stays text', async () => {
    const name = encodeURIComponent('"><img src=x onerror=hacked()>');
    await staysText(`/auth/share/registered-model/${name}`, 'Share registered model');
    await staysText(`/auth/admin/users/${name}`, 'not found');
  });

  test('no script that gets into a page runs, and nothing goes to another host', async () => {
    await seat.page.goto('/auth/account');
    await seat.page.getByRole('heading', { level: 1 }).waitFor();
    // In a turn of the page's own: what the debugger runs itself may evaluate.
    const tried = await seat.page.evaluate(`new Promise((resolve) => setTimeout(async () => {
      const tries = [];
      const attempt = async (name, act) => {
        try { await act(); tries.push(name) } catch {}
      };
      await attempt('eval', () => eval('1'));
      await attempt('function', () => Function('return 1')());
      await attempt('innerHTML', () => { document.body.innerHTML += '<img src=x onerror=hacked()>' });
      await attempt('fetch', () => fetch('https://example.com/'));
      const inline = document.createElement('script');
      await attempt('inline', () => { inline.textContent = 'hacked()'; document.body.append(inline) });
      resolve(tries);
    }))`);
    expect(tried).toEqual([]);
    expect(await seat.page.evaluate('window.wasHacked')).toBeUndefined();
    seat.takeTrouble();
  });

  test('no other page shows one in a frame', async () => {
    const frame = `<iframe src="${gateway.url}/auth/account"></iframe>`;
    const site = await listen(createServer((_, response) => response.end(frame)));
    onTestFinished(() => site.close());
    await seat.page.goto(site.uri);
    await expect
      .poll(() => seat.page.frames().at(1)?.url(), { timeout: 20_000 })
      .toBe('chrome-error://chromewebdata/');
  });
});

test('a page of another site can send nothing that the pages send', async () => {
  const from = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const sent = { json: { name: 'stolen' }, headers: from };
  const answer = await alice.send('POST', '/ajax-api/2.0/mlflow/users/tokens/create', sent);
  expect(answer.status).toBe(403);
  const form = { raw: 'name=stolen', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  expect((await alice.send('POST', '/ajax-api/2.0/mlflow/users/tokens/create', form)).status).toBe(400);
});
