/**
 * The gateway's own operations, in the language of MLflow's table (src/mlflow/table/row.ts): read by the same matcher,
 * held to the same tests. They are served under the addresses that MLflow's own auth app has, and some beside them.
 */
import {
  afresh,
  anyId,
  endpoint,
  experiment,
  inAnyScope,
  type Locator,
  maybe,
  model,
  modelDefinition,
  type Row,
  scorer,
  secret,
  serve,
  special,
  takesForm,
  user,
  withFirstPassword,
} from '../mlflow/table/row.ts';
import type { FamilyName } from './api/permission-families.ts';
import type { HandlerName } from './contract/index.ts';

type OwnRow = Row<HandlerName>;

const self = user('query.username');
const selfInBody = user('body.username');

const server: readonly OwnRow[] = [
  ['GET', '/health', 'public', [], serve('health')],
  ['GET', '/ready', 'public', [], serve('ready')],
  ['GET', '2.0 status', 'admin', [], serve('status')],
  ['GET', '/auth/openapi.json', 'signed-in', [], inAnyScope, serve('api.openapi')],
];

const users: readonly OwnRow[] = [
  ['GET', 'api 2.0 users', 'admin', [], serve('users.listWithPermissions')],
  ['POST', '2.0 users/create', 'admin', [], serve('users.create')],
  ['GET', '/signup', 'admin', [], serve('signup.page')],
  ['POST', 'api 2.0 users/create-ui', 'admin', [], serve('signup.submit'), takesForm],
  ['GET', '2.0 users/get', 'read', self, serve('users.get')],
  ['GET', '2.0 users/list', 'signed-in', [], serve('users.list')],
  ['GET', '2.0 users/search', 'signed-in', [], serve('users.search')],
  ['GET', '2.0 users/current', 'signed-in', [], inAnyScope, serve('users.current'), withFirstPassword],
  [
    'PATCH',
    '2.0 users/update-password',
    'update',
    selfInBody,
    serve('users.updatePassword'),
    withFirstPassword,
  ],
  ['PATCH', '2.0 users/update-status', 'admin', [], serve('users.updateStatus')],
  ['PATCH', '2.0 users/link', 'admin', [], serve('users.link')],
  ['PATCH', '2.0 users/update-admin', 'admin', [], serve('users.updateAdmin')],
  ['DELETE', '2.0 users/delete', 'admin', [], serve('users.delete')],
  ['POST', '2.0 users/tokens/create', 'update', maybe(selfInBody), inAnyScope, serve('tokens.create')],
  ['GET', '2.0 users/tokens/list', 'read', maybe(self), inAnyScope, serve('tokens.list')],
  ['POST', '2.0 users/tokens/rotate', 'signed-in', [], inAnyScope, serve('tokens.rotate')],
  ['POST', '2.0 users/tokens/redeem', 'public', [], serve('tokens.redeem')],
  ['DELETE', '2.0 users/tokens/delete', 'signed-in', [], inAnyScope, serve('tokens.delete')],
  ['GET', '2.0 users/sessions/list', 'read', maybe(self), serve('sessions.list')],
  ['DELETE', '2.0 users/sessions/delete', 'signed-in', [], serve('sessions.delete')],
  ['POST', '2.0 users/invitations/create', 'admin', [], serve('invitations.create')],
  ['POST', '2.0 users/invitations/reset-password', 'admin', [], serve('invitations.resetPassword')],
  ['GET', '2.0 users/invitations/list', 'admin', [], serve('invitations.list')],
  ['DELETE', '2.0 users/invitations/delete', 'admin', [], serve('invitations.delete')],
  ['POST', '2.0 users/invitations/show', 'public', [], serve('invitations.show')],
  ['POST', '2.0 users/invitations/accept', 'public', [], serve('invitations.accept')],
  ['GET', '2.0 users/sign-ins/list', 'read', maybe(self), serve('signIns.list')],
  ['GET', '2.0 providers/list', 'admin', [], serve('providers.list')],
  ['GET', '2.0 providers/check', 'admin', [], serve('providers.check')],
  ['GET', '2.0 users/lockouts/list', 'admin', [], serve('lockouts.list')],
  ['DELETE', '2.0 users/lockouts/delete', 'admin', [], serve('lockouts.delete')],
];

const signIn: readonly OwnRow[] = [
  ['GET', '/auth/sign-in', 'public', [], serve('signIn.page')],
  ['POST', '/auth/sign-in', 'public', [], serve('signIn.submit'), takesForm],
  ['POST', '/auth/sign-out', 'public', [], serve('signOut.submit'), takesForm],
  ['GET', '/auth/password', 'signed-in', [], serve('password.page'), withFirstPassword],
  ['POST', '/auth/password', 'signed-in', [], serve('password.submit'), takesForm, withFirstPassword],
  ['GET', '/auth/login', 'signed-in', [], serve('programs.page')],
  ['POST', '/auth/login', 'signed-in', [], serve('programs.submit'), takesForm],
  ['GET', '/auth/oidc/:name/start', 'public', [], serve('oidc.start')],
  ['GET', '/auth/oidc/:name/callback', 'public', [], serve('oidc.callback')],
  ['POST', '/auth/oidc/:name/back-channel-logout', 'public', [], serve('oidc.backChannelLogout'), takesForm],
  ['GET', '/auth/return', 'public', [], serve('fragment.page')],
  ['GET', '/auth/fragment.js', 'public', [], serve('fragment.script')],
  ['GET', '/auth/style.css', 'public', [], serve('style')],
];

/** The single-page application decides what it shows by what its calls are answered. */
const app = (path: string): OwnRow => [
  'GET',
  path,
  'signed-in',
  [],
  inAnyScope,
  serve('pages.app'),
  withFirstPassword,
];

const pages: readonly OwnRow[] = [
  app('/auth/account'),
  app('/auth/share/:kind/:id'),
  app('/auth/requests'),
  ...[
    'users',
    'users/:name',
    'invitations',
    'roles',
    'tokens',
    'audit',
    'report',
    'lockouts',
    'providers',
    'status',
  ].map((page) => app(`/auth/admin/${page}`)),
  app('/auth/api'),
  ['GET', '/auth/invitation', 'public', [], serve('pages.invitation')],
  ['GET', '/auth/assets/:file', 'public', [], serve('pages.asset')],
  ['GET', '/auth/in-mlflow.js', 'public', [], serve('pages.inMlflow')],
];

const grants: readonly OwnRow[] = [
  ['GET', '3.0 users/current/permissions', 'signed-in', [], inAnyScope, serve('userPermissions.current')],
  [
    'GET',
    '3.0 users/permissions/list',
    'signed-in',
    [],
    special('holder-viewer'),
    serve('userPermissions.list'),
  ],
  [
    'GET',
    '3.0 users/permissions/get',
    'signed-in',
    [],
    special('holder-viewer'),
    serve('userPermissions.get'),
  ],
  [
    'POST',
    '3.0 users/permissions/grant',
    'signed-in',
    [],
    special('grantable'),
    serve('userPermissions.grant'),
    afresh,
  ],
  [
    'POST',
    '3.0 users/permissions/revoke',
    'signed-in',
    [],
    special('grantable'),
    serve('userPermissions.revoke'),
    afresh,
  ],
  ['GET', '3.0 users/roles/list', 'signed-in', [], special('holder-viewer'), serve('userRoles.list')],
];

const roles: readonly OwnRow[] = [
  ['POST', '3.0 roles/create', 'signed-in', [], special('role-admin', 'workspace'), serve('roles.create')],
  ['GET', '3.0 roles/get', 'signed-in', [], special('role-viewer', 'role_id'), serve('roles.get')],
  ['GET', '3.0 roles/list', 'signed-in', [], special('role-viewer', 'workspaces'), serve('roles.list')],
  ['PATCH', '3.0 roles/update', 'signed-in', [], special('role-admin', 'role_id'), serve('roles.update')],
  ['DELETE', '3.0 roles/delete', 'signed-in', [], special('role-admin', 'role_id'), serve('roles.delete')],
  [
    'POST',
    '3.0 roles/permissions/add',
    'signed-in',
    [],
    special('role-admin', 'role_id'),
    serve('rolePermissions.add'),
    afresh,
  ],
  [
    'DELETE',
    '3.0 roles/permissions/remove',
    'signed-in',
    [],
    special('role-admin', 'role_permission_id'),
    serve('rolePermissions.remove'),
  ],
  [
    'GET',
    '3.0 roles/permissions/list',
    'signed-in',
    [],
    special('role-viewer', 'role_id'),
    serve('rolePermissions.list'),
  ],
  [
    'PATCH',
    '3.0 roles/permissions/update',
    'signed-in',
    [],
    special('role-admin', 'role_permission_id'),
    serve('rolePermissions.update'),
    afresh,
  ],
  ['POST', '3.0 roles/assign', 'signed-in', [], special('role-admin', 'role_id'), serve('roles.assign')],
  [
    'DELETE',
    '3.0 roles/unassign',
    'signed-in',
    [],
    special('role-admin', 'role_id'),
    serve('roles.unassign'),
  ],
  ['GET', '3.0 roles/users/list', 'signed-in', [], special('role-admin', 'role_id'), serve('roles.users')],
];

/** Sharing one thing with a role of one's own: no role is administered by it. */
const roleGrants: readonly OwnRow[] = [
  [
    'POST',
    '2.0 permissions/grant-role',
    'signed-in',
    [],
    special('grantable'),
    serve('roleGrants.grant'),
    afresh,
  ],
  [
    'POST',
    '2.0 permissions/revoke-role',
    'signed-in',
    [],
    special('grantable'),
    serve('roleGrants.revoke'),
    afresh,
  ],
];

/** MLflow's classic permissions API, alike for each kind of resource, for callers who hold MANAGE on it. */
const permissionsOn = (
  path: string,
  handlers: FamilyName,
  inBody: Locator,
  inQuery: Locator,
): readonly OwnRow[] => [
  ['POST', `${path}/permissions/create`, 'manage', inBody, serve(`${handlers}.create`), afresh],
  ['GET', `${path}/permissions/get`, 'manage', inQuery, serve(`${handlers}.get`)],
  ['PATCH', `${path}/permissions/update`, 'manage', inBody, serve(`${handlers}.update`), afresh],
  ['DELETE', `${path}/permissions/delete`, 'manage', inBody, serve(`${handlers}.delete`)],
];

const classicPermissions: readonly OwnRow[] = [
  ...permissionsOn(
    '2.0 experiments',
    'experimentPermissions',
    anyId(experiment('body.experiment_id')),
    anyId(experiment('query.experiment_id')),
  ),
  ...permissionsOn(
    '2.0 registered-models',
    'registeredModelPermissions',
    model('body.name'),
    model('query.name'),
  ),
  ...permissionsOn(
    '3.0 scorers',
    'scorerPermissions',
    scorer('body.experiment_id/scorer_name'),
    scorer('query.experiment_id/scorer_name'),
  ),
  ...permissionsOn(
    '3.0 gateway/secrets',
    'gatewaySecretPermissions',
    secret('body.secret_id'),
    secret('query.secret_id'),
  ),
  ...permissionsOn(
    '3.0 gateway/endpoints',
    'gatewayEndpointPermissions',
    endpoint('body.endpoint_id'),
    endpoint('query.endpoint_id'),
  ),
  ...permissionsOn(
    '3.0 gateway/model-definitions',
    'gatewayModelDefinitionPermissions',
    modelDefinition('body.model_definition_id'),
    modelDefinition('query.model_definition_id'),
  ),
];

const explanations: readonly OwnRow[] = [
  [
    'GET',
    '2.0 permissions/explain',
    'signed-in',
    [],
    special('explainable', 'user'),
    inAnyScope,
    serve('permissions.explain'),
  ],
  [
    'GET',
    '2.0 permissions/holders',
    'signed-in',
    [],
    special('explainable', 'everybody'),
    serve('permissions.holders'),
  ],
  ['GET', '2.0 permissions/reach', 'admin', [], serve('permissions.reach')],
  ['GET', '2.0 permissions/preview', 'admin', [], serve('permissions.preview')],
  ['GET', '2.0 permissions/report', 'admin', [], serve('permissions.report')],
];

const accessRequests: readonly OwnRow[] = [
  ['POST', '2.0 access-requests/create', 'signed-in', [], serve('accessRequests.create')],
  ['GET', '2.0 access-requests/list', 'signed-in', [], inAnyScope, serve('accessRequests.list'), afresh],
  ['GET', '2.0 access-requests/list-own', 'signed-in', [], serve('accessRequests.listOwn')],
  ['POST', '2.0 access-requests/answer', 'signed-in', [], inAnyScope, serve('accessRequests.answer'), afresh],
  ['DELETE', '2.0 access-requests/withdraw', 'signed-in', [], serve('accessRequests.withdraw')],
];

const audit: readonly OwnRow[] = [
  ['GET', '2.0 audit/search', 'admin', [], serve('audit.search')],
  ['GET', '2.0 audit/export', 'admin', [], serve('audit.export')],
];

/** The rows by what they are about, in the order a reader would look for them. */
export const OWN_SECTIONS = {
  'This gateway': server,
  Users: users,
  'Signing in': signIn,
  'Pages for people': pages,
  'Grants of users': grants,
  Roles: roles,
  'Sharing with roles': roleGrants,
  'Classic permissions': classicPermissions,
  'Who may do what': explanations,
  'Requests for access': accessRequests,
  Audit: audit,
} as const satisfies Record<string, readonly OwnRow[]>;
