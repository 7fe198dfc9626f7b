/** The description of the gateway's own API, held against the server that it describes. */

import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Described } from '../../../src/admin/contract/fields.ts';
import { ofClassicPermissions } from '../../../src/admin/contract/grants.ts';
import { CONTRACT, type OperationName } from '../../../src/admin/contract/index.ts';
import { OWN_SECTIONS } from '../../../src/admin/routes.ts';
import { expandPath, operationsOf } from '../../../src/mlflow/table/match.ts';
import { allow, BACK, VERIFIER } from '../../support/allow-program.ts';
import { type Person, unique } from '../../support/gateway.ts';
import { having } from '../../support/having.ts';
import { signInByPage } from '../../support/sign-in.ts';
import { useGateway } from '../../support/use-gateway.ts';

const { gateway, admin, alice, another } = useGateway({
  fake: having({ experiments: { '20': 'one', '21': 'two' } }),
  people: ['alice'],
  settings: { oidc: { sso: { issuer: 'http://127.0.0.1:9', audience: 'mlflow' } } },
});

interface Operation {
  readonly operationId: OperationName;
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly required?: string[] } }>>;
  };
}
interface Found {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const found = new Map<OperationName, Found>();
let document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

beforeAll(async () => {
  document = (await gateway.admin.get('/auth/openapi.json')).json;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      found.set(operation.operationId, { method: method.toUpperCase(), path, operation });
    }
  }
});

test('it is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('it has every row of the gateway’s own but the pages, and no other', () => {
  const rows = operationsOf(Object.values(OWN_SECTIONS).flat())
    .filter(({ rules }) => rules.some((rule) => rule.rule === 'serve' && rule.handler in CONTRACT))
    .map(({ method, path }) => `${method} ${expandPath(path)[0]}`);
  expect([...found.values()].map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
    rows.toSorted(),
  );
});

test('behind a static prefix it names the prefix', async () => {
  const other = await another({ static_prefix: '/mlflow' });
  expect((await other.admin.get('/mlflow/auth/openapi.json')).json.servers).toEqual([{ url: '/mlflow' }]);
});

test('nobody gets it who has not signed in', async () => {
  expect((await gateway.anonymous.get('/auth/openapi.json')).status).toBe(401);
  expect((await alice.get('/auth/openapi.json')).status).toBe(200);
});

/** What was asked and answered as the contract says. */
const seen = new Set<OperationName>();

/** Sends a request that the contract allows, and holds the answer against it. */
async function ask(name: OperationName, sent: Readonly<Record<string, unknown>> = {}, by: Person = admin) {
  const { query, body, answer }: Described = CONTRACT[name];
  const { method, path } = found.get(name) ?? { method: '', path: '' };
  z.strictObject({ ...query, ...body }).parse(sent);
  const search = body === undefined ? `?${new URLSearchParams(sent as Record<string, string>)}` : '';
  const received = await by.send(method, `${path}${search}`, body === undefined ? {} : { json: sent });
  expect(received.status, `${name}: ${received.text}`).toBe(200);
  if (answer instanceof z.ZodObject) {
    answer.parse(received.json);
  } else {
    expect(answer).toContain(String(received.headers['content-type']).split(';')[0]);
  }
  seen.add(name);
  return received.json;
}

const on = (id: string) => ({ resource_type: 'experiment', resource_id: id });

/** What is done on the way through every operation; each JSON operation is asked at least once. */
const WAYS: Readonly<Record<string, () => Promise<void>>> = {
  async server() {
    await ask('health');
    await ask('ready');
    await ask('status');
    await ask('api.openapi');
  },
  async users() {
    const username = unique('user');
    const service = unique('service');
    await ask('users.create', { username, password: 'a long enough password' });
    await ask('users.create', { username: service, is_service: true });
    await ask('users.updateStatus', { username, is_active: true });
    await ask('users.updateAdmin', { username, is_admin: false });
    await ask('users.updatePassword', { username, password: 'another long password' });
    await ask('userPermissions.grant', { username, ...on('7'), permission: 'MANAGE' });
    await ask('users.link', { username, provider: 'sso', subject: unique('subject') });
    await ask('users.get', { username });
    await ask('users.listWithPermissions');
    await ask('users.list');
    await ask('users.search', { contains: 'user', max_results: '1' });
    await ask('users.current');
    await ask('users.delete', { username: service });
    await ask('users.delete', { username, give_to: alice.username });
  },
  async credentials() {
    const { token } = await ask('tokens.create', {
      name: 'for a test',
      expires_in_seconds: 60,
      scope: { access: 'read', resources: [{ resource_type: 'experiment', resource_id: '*' }] },
    });
    await ask('tokens.create', { name: 'another', username: alice.username });
    expect(await ask('tokens.list', { max_results: '1' })).toHaveProperty('next_page_token');
    await ask('tokens.rotate', { token_id: token.token_id });
    await ask('tokens.delete', { token_id: token.token_id });
    for (let tries = 0; tries < 10; tries++) {
      await gateway.as(alice.username, 'not the password').get('/api/2.0/mlflow/users/current');
    }
    const jar = await signInByPage(gateway, admin);
    await ask('tokens.redeem', {
      ...{ code: await allow(jar), code_verifier: VERIFIER, redirect_uri: BACK },
    });
    const { sessions } = await ask('sessions.list', { username: admin.username });
    await ask('sessions.delete', { session_id: sessions[0].session_id });
    const invited = unique('invited');
    const { invitation, link } = await ask('invitations.create', {
      ...{ username: invited, is_admin: false, role_ids: [], expires_in_seconds: 60 },
    });
    await ask('invitations.resetPassword', { username: alice.username });
    expect(await ask('invitations.list', { max_results: '1' })).toHaveProperty('next_page_token');
    const secret = new URL(link).hash.slice(1);
    expect((await ask('invitations.show', { secret }, gateway.anonymous)).username).toBe(invited);
    await ask('invitations.accept', { secret, password: 'a long enough password' }, gateway.anonymous);
    const [open] = (await ask('invitations.list', { username: alice.username })).invitations;
    expect(open.invitation_id).not.toBe(invitation.invitation_id);
    await ask('invitations.delete', { invitation_id: open.invitation_id });
    await ask('signIns.list', { username: alice.username });
    expect((await ask('providers.list')).providers).toHaveLength(1);
    await ask('providers.check', { provider: 'sso' });
    expect((await ask('lockouts.list')).lockouts).toHaveLength(1);
    await ask('lockouts.delete', { username: alice.username });
  },
  async grants() {
    const { username } = alice;
    const thing = on('8');
    await ask('userPermissions.grant', { username, ...thing, permission: 'READ' });
    await ask('userPermissions.get', { username, ...thing });
    await ask('userPermissions.list', { username });
    expect((await ask('userPermissions.current', {}, alice)).permissions).not.toEqual([]);
    await ask('permissions.explain', { username, ...thing });
    await ask('permissions.holders', { ...thing, max_results: '1' });
    await ask('permissions.reach', { username, resource_type: 'experiment', contains: 'a' });
    await ask('permissions.report', { username, since: '0', max_results: '1' });
    await ask('permissions.preview', { change: 'revoke', username, ...thing });
    await ask('permissions.preview', { change: 'delete_user', username });
    await ask('userPermissions.revoke', { username, ...thing });
  },
  async roles() {
    const { username } = alice;
    const { role } = await ask('roles.create', {
      name: unique('role'),
      workspace: 'default',
      provider: 'sso',
    });
    const byRole = { role_id: role.id };
    const inQuery = { role_id: String(role.id) };
    await ask('roles.update', { ...byRole, description: 'for a test' });
    const { role_permission: granted } = await ask('rolePermissions.add', {
      ...byRole,
      resource_type: 'experiment',
      resource_pattern: '7',
      permission: 'READ',
    });
    await ask('rolePermissions.update', { role_permission_id: granted.id, permission: 'EDIT' });
    await ask('roles.assign', { ...byRole, username });
    await ask('roles.get', inQuery);
    expect((await ask('roles.list')).roles).not.toEqual([]);
    expect((await ask('rolePermissions.list', inQuery)).role_permissions).toHaveLength(1);
    expect((await ask('roles.users', inQuery)).assignments).toHaveLength(1);
    expect((await ask('userRoles.list', { username })).roles).not.toEqual([]);
    const onRole = { ...byRole, ...on('8') };
    await ask('roleGrants.grant', { ...onRole, permission: 'EDIT' });
    await ask('roleGrants.revoke', onRole);
    await ask('roles.unassign', { ...byRole, username });
    await ask('rolePermissions.remove', { role_permission_id: granted.id });
    await ask('roles.delete', byRole);
  },
  async classic() {
    const things = { experiment_id: '9', name: 'm', scorer_name: 's', secret_id: 's-1', endpoint_id: 'e-1' };
    const ids: Readonly<Record<string, string>> = { ...things, model_definition_id: 'd-1' };
    for (const verb of ['create', 'get', 'update', 'delete']) {
      for (const name of [...found.keys()].filter(
        (each) => each in ofClassicPermissions && each.endsWith(`.${verb}`),
      )) {
        const { query, body }: Described = CONTRACT[name];
        const values = Object.keys({ ...query, ...body }).map((key) => [
          key,
          { ...ids, username: alice.username, permission: 'READ' }[key],
        ]);
        await ask(name, Object.fromEntries(values));
      }
    }
  },
  async 'requests for access'() {
    const ids = ['20', '21'];
    for (const id of ids) {
      await ask('accessRequests.create', { ...on(id), permission: 'EDIT', message: 'for a test' }, alice);
    }
    expect((await ask('accessRequests.list', { max_results: '1' })).access_requests).toHaveLength(1);
    const { access_requests: own } = await ask('accessRequests.listOwn', {}, alice);
    const [last, first] = own.map((each: { access_request_id: number }) => each.access_request_id);
    await ask('accessRequests.answer', { access_request_id: first, decision: 'grant', permission: 'READ' });
    await ask('accessRequests.withdraw', { access_request_id: last }, alice);
  },
  async audit() {
    expect((await ask('audit.search', { allowed: 'true', max_results: '3' })).entries).toHaveLength(3);
    await ask('audit.export', { format: 'jsonl', username: 'admin' });
  },
};

describe('what it says is so', () => {
  test.each(Object.entries(WAYS))('of %s', (_name, ask) => ask());

  test('of every operation', () => {
    expect([...found.keys()].filter((name) => !seen.has(name))).toEqual([]);
  });

  test('a parameter that it calls required is asked for', async () => {
    for (const [name, { method, path, operation }] of found) {
      const inQuery = operation.parameters?.filter(({ required }) => required).map((each) => each.name) ?? [];
      const inBody = operation.requestBody?.content['application/json']?.schema.required ?? [];
      if (inQuery.length + inBody.length === 0) {
        continue;
      }
      const sent = inBody.length > 0 ? { json: {} } : {};
      expect((await admin.send(method, path, sent)).status, name).toBe(400);
    }
  });
});
