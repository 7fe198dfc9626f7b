import type { z } from 'zod';
import { ofAccessRequests } from './access-requests.ts';
import { ofCredentials } from './credentials.ts';
import { ofAudit, ofExplanations } from './explanations.ts';
import { ofClassicPermissions, ofGrants, ofRoles } from './grants.ts';
import { ofInvitations } from './invitations.ts';
import { ofProviders } from './providers.ts';
import { ofRoleGrants } from './role-grants.ts';
import { ofServer } from './server.ts';
import { ofUsers } from './users.ts';

/** Every operation of the gateway's own API, by the name of its handler: a row without one does not compile. */
export const CONTRACT = {
  ...ofServer,
  ...ofUsers,
  ...ofCredentials,
  ...ofInvitations,
  ...ofGrants,
  ...ofRoles,
  ...ofClassicPermissions,
  ...ofExplanations,
  ...ofProviders,
  ...ofRoleGrants,
  ...ofAccessRequests,
  ...ofAudit,
};

/** Pages for people and what belongs to them, which programs have no use for. */
type PageName =
  | 'signup.page'
  | 'signup.submit'
  | 'signIn.page'
  | 'signIn.submit'
  | 'signOut.submit'
  | 'password.page'
  | 'password.submit'
  | 'programs.page'
  | 'programs.submit'
  | 'oidc.start'
  | 'oidc.callback'
  | 'oidc.backChannelLogout'
  | 'fragment.script'
  | 'fragment.page'
  | 'style'
  | 'pages.app'
  | 'pages.invitation'
  | 'pages.asset'
  | 'pages.inMlflow';

export type OperationName = keyof typeof CONTRACT;
/** What a row of src/admin/routes.ts may serve by. */
export type HandlerName = OperationName | PageName;

/** What an operation answers, where that is JSON. */
export type Answer<Name extends OperationName> = (typeof CONTRACT)[Name] extends {
  readonly answer: infer Shape extends z.ZodObject;
}
  ? z.output<Shape>
  : never;

/** What an operation takes. */
export type Parameters<Name extends OperationName> = Shaped<(typeof CONTRACT)[Name], 'query'> &
  Shaped<(typeof CONTRACT)[Name], 'body'>;

type Shaped<Operation, Part extends 'query' | 'body'> = Operation extends {
  readonly [Key in Part]: infer Shape extends z.ZodRawShape;
}
  ? z.input<z.ZodObject<Shape>>
  : unknown;
