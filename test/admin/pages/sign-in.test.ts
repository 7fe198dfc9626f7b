import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Call } from '../../../src/admin/handler.ts';
import { signInHandlers } from '../../../src/admin/pages/sign-in.ts';
import { changingBy } from '../../../src/audit/changing.ts';
import { recordUnattended } from '../../../src/audit/unattended.ts';
import { principalOf } from '../../../src/identity/accounts.ts';
import { ANONYMOUS } from '../../../src/identity/principal.ts';
import type { Store } from '../../../src/store/index.ts';
import { addUser, open } from '../../store/temporary.ts';

const HOUR = 3_600_000;

/** Signs alice in with a right password, while something happens. */
async function signIn(store: Store, meanwhile: (id: number) => Promise<unknown>) {
  const user = await addUser(store, 'alice');
  const handlers = signInHandlers({
    store,
    basic: {
      async signIn() {
        await meanwhile(user.id);
        return principalOf({ user, grants: [] });
      },
    },
    sessions: { lifeMs: HOUR, idleMs: HOUR, clock: Date.now, random: randomBytes },
    leaving: async () => undefined,
    localSignIn: 'everybody',
    buttons: [{ name: 'corp', displayName: 'Corp & <Co>' }],
  });
  const record = recordUnattended({ operation: 'test', because: 'test', clock: Date.now });
  const call: Call = {
    ...{ principal: ANONYMOUS, params: {}, query: new Map([['next', ['/a?b=c']]]), body: {} },
    ...{
      path: '/auth/sign-in',
      prefix: '',
      headers: {},
      ip: '192.0.2.1',
      isSecure: false,
      host: 'mlflow.example.com',
    },
    changing: changingBy(store, record),
  };
  const page = handlers['signIn.page'](call);
  const [, csrf_token] = /name="csrf_token" value="([^"]*)"/.exec(String(page.body)) ?? [];
  const [cookie] = page.cookies ?? [];
  const answer = await handlers['signIn.submit']({
    ...call,
    headers: { cookie: cookie?.split(';')[0] },
    body: { csrf_token, username: 'alice', password: 'right', next: '/a?b=c' },
  });
  const sessions = await store.sessions.list({ userId: user.id, after: undefined, max: 9, idleMs: HOUR });
  return { page: String(page.body), status: answer.status, sessions: sessions.length };
}

test('a right password begins a session', async () => {
  expect(await signIn(await open(), async () => {})).toMatchObject({ status: 303, sessions: 1 });
});

test('one that was changed while it was proved begins none, nor does a user who was disabled meanwhile', async () => {
  for (const meanwhile of [
    (store: Store) => (id: number) =>
      store.users.setPassword(id, `another hash ${randomBytes(4).toString('hex')}`),
    (store: Store) => (id: number) => store.users.setActive(id, false),
    (store: Store) => (id: number) => store.users.remove(id),
  ]) {
    const store = await open();
    await addUser(store, 'admin', true);
    expect(await signIn(store, meanwhile(store))).toMatchObject({ status: 401, sessions: 0 });
  }
});

test('each provider has a button, which leads back to the page that was asked for', async () => {
  const { page } = await signIn(await open(), async () => {});
  expect(page).toContain(
    '<a class="button" href="/auth/oidc/corp/start?next=%2Fa%3Fb%3Dc" data-with-fragment="/auth/oidc/corp/start?next=%2Fauth%2Freturn%3Fnext%3D%252Fa%253Fb%253Dc">Sign in with Corp &#38; &#60;Co&#62;</a>',
  );
});
