/** The gateway's own rows and the handlers that serve them belong together. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Deciding } from '../../src/admin/api/explain.ts';
import type { HealthParts } from '../../src/admin/api/health.ts';
import type { HandlerName } from '../../src/admin/contract/index.ts';
import { createHandlers } from '../../src/admin/index.ts';
import type { SingleSignOn } from '../../src/admin/pages/provider-sign-in.ts';
import { OWN_SECTIONS } from '../../src/admin/routes.ts';
import type { Passwords } from '../../src/identity/password.ts';
import { type AnyRow, type Row, serve } from '../../src/mlflow/table/row.ts';
import { openStore } from '../../src/store/index.ts';

const rows: readonly AnyRow[] = Object.values(OWN_SECTIONS).flat();

test('every handler is named by a row', async () => {
  const store = await openStore('sqlite:///:memory:', { clock: Date.now });
  const handlers = createHandlers({
    store,
    passwords: {} as Passwords,
    throttle: { attempt: async () => false },
    signInLimits: { failures: 1, windowSeconds: 1, lockoutSeconds: 1 },
    defaultPermission: 'NO_PERMISSIONS',
    workspaces: { areOn: async () => false, has: async () => true, names: async () => [] },
    listUsersTo: 'everyone',
    mlflowVersion: async () => undefined,
    health: {} as HealthParts,
    deciding: {} as Deciding,
    lookAt: async () => undefined,
    listThings: async () => ({ things: [], next: undefined }),
    accessRequests: { most: 1, keepMs: 1 },
    providers: [],
    singleSignOn: {} as SingleSignOn,
    tokens: { maxDays: 1, defaultDays: 1, clock: Date.now, random: randomBytes },
    sessions: { lifeMs: 1, idleMs: 1, clock: Date.now, random: randomBytes },
    invitations: {
      ...{ lifeMs: 1, clock: Date.now, random: randomBytes, publicUrl: undefined },
      localSignIn: 'everybody',
    },
    basic: { signIn: async () => 'not-mine' },
    buttons: [],
    localSignIn: 'everybody',
    codes: { seal: (text) => text, open: (text) => text },
  });
  await store.close();
  const named = rows.flatMap(([, , , , ...rules]) =>
    rules.flatMap((rule) => (rule.rule === 'serve' ? [rule.handler] : [])),
  );
  expect([...new Set(named)].toSorted()).toEqual(Object.keys(handlers).toSorted());
  expect(named.length).toBe(rows.length);
});

test('a row that names a handler that is not there does not compile, and MLflow’s rows name none', () => {
  const own: Row<HandlerName> = ['GET', '/here', 'public', [], serve('health')];
  // @ts-expect-error there is no such handler.
  const lost: Row<HandlerName> = ['GET', '/here', 'public', [], serve('heatlh')];
  // @ts-expect-error MLflow serves what its rows name.
  const foreign: Row = ['GET', '/here', 'public', [], serve('health')];
  expect([own, lost, foreign]).toHaveLength(3);
});
