import type { ReadingStore } from '../audit/changing.ts';
import type { Basic } from '../identity/basic.ts';
import type { LocalSignIn } from '../identity/limited-basic.ts';
import type { Sealing } from '../identity/oidc/sealed.ts';
import type { Passwords } from '../identity/password.ts';
import { limitsOf, type Throttle, type ThrottleLimits } from '../identity/throttle.ts';
import type { ListThings } from '../mlflow/things/list-things.ts';
import type { LookAt } from '../mlflow/things/look-at.ts';
import type { Workspaces } from '../mlflow/things/workspaces.ts';
import type { Permission } from '../policy/permissions.ts';
import type { AccessRequestLimits } from '../store/access-requests.ts';
import { accessRequestHandlers } from './api/access-requests.ts';
import { auditHandlers } from './api/audit.ts';
import { classicPermissionHandlers } from './api/classic-permissions.ts';
import { type Deciding, explainHandlers } from './api/explain.ts';
import { grantHandlers } from './api/grants.ts';
import { type HealthParts, healthHandlers } from './api/health.ts';
import { type InvitationHandlerParts, invitationHandlers } from './api/invitations.ts';
import { linkHandlers, type NamedProvider } from './api/links.ts';
import { lockoutHandlers } from './api/lockouts.ts';
import { openapiHandlers } from './api/openapi.ts';
import { ownRoleGrantHandlers } from './api/own-role-grants.ts';
import { type MlflowVersion, passwordHandlers } from './api/passwords.ts';
import { previewHandlers } from './api/preview.ts';
import { providerHandlers } from './api/providers.ts';
import { reachHandlers } from './api/reach.ts';
import { reportHandlers } from './api/report.ts';
import { roleMemberHandlers } from './api/role-members.ts';
import { rolePermissionHandlers } from './api/role-permissions.ts';
import { roleHandlers } from './api/roles.ts';
import { sessionHandlers } from './api/sessions.ts';
import { signInHandlers as signInListHandlers } from './api/sign-ins.ts';
import { tokenHandlers } from './api/tokens.ts';
import { userHandlers } from './api/users.ts';
import type { HandlerName } from './contract/index.ts';
import type { ListUsersTo } from './deeds/neighbours.ts';
import type { SessionParts } from './deeds/sessions.ts';
import type { TokenParts } from './deeds/tokens.ts';
import type { Call, Handler } from './handler.ts';
import { appHandlers } from './pages/app.ts';
import { fragmentHandlers } from './pages/fragment.ts';
import { passwordPageHandlers } from './pages/password.ts';
import { programHandlers } from './pages/programs.ts';
import { leavingAddress, providerSignInHandlers, type SingleSignOn } from './pages/provider-sign-in.ts';
import { type Provider, signInHandlers } from './pages/sign-in.ts';
import { signupHandlers } from './pages/signup.ts';
import { styleHandlers } from './pages/style.ts';
import { createWebFiles } from './pages/web-files.ts';

export interface HandlerParts {
  readonly store: ReadingStore;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly signInLimits: ThrottleLimits;
  readonly tokens: TokenParts;
  readonly sessions: SessionParts;
  readonly invitations: InvitationHandlerParts['invitations'];
  /** Keeps what the code says by which a program gets its token. */
  readonly codes: Sealing;
  readonly basic: Pick<Basic, 'signIn'>;
  readonly buttons: readonly Provider[];
  readonly localSignIn: LocalSignIn;
  readonly defaultPermission: Permission;
  readonly listUsersTo: ListUsersTo;
  readonly mlflowVersion: MlflowVersion;
  readonly workspaces: Workspaces;
  readonly health: HealthParts;
  readonly deciding: Deciding;
  /** Asks MLflow for what a request for access is about. */
  readonly lookAt: LookAt;
  /** Asks MLflow for what it has of a kind. */
  readonly listThings: ListThings;
  readonly accessRequests: AccessRequestLimits;
  /** Where users come from by single sign-on. */
  readonly providers: readonly NamedProvider[];
  readonly singleSignOn: SingleSignOn;
}

/** An operation of the contract without a handler does not compile. */
export type Handlers = Readonly<Record<HandlerName, Handler>>;

/** Every operation that the gateway serves itself, under the names that its rows use. */
export function createHandlers(parts: HandlerParts): Handlers {
  const { store, passwords, signInLimits, health, providers } = parts;
  const signIn = { ...parts, leaving: (call: Call, id: string) => leavingAddress(call, id, parts) };
  return {
    ...healthHandlers(health),
    ...openapiHandlers(),
    ...auditHandlers(store),
    ...explainHandlers(parts),
    ...reachHandlers(parts),
    ...previewHandlers(parts),
    ...accessRequestHandlers(parts),
    ...reportHandlers(parts),
    ...userHandlers(parts),
    ...passwordHandlers(parts),
    ...linkHandlers(store, providers),
    ...lockoutHandlers(store.throttles, limitsOf(signInLimits)),
    ...tokenHandlers(store, parts),
    ...sessionHandlers(store, parts.sessions),
    ...signInListHandlers(store),
    ...providerHandlers(parts),
    ...invitationHandlers(parts),
    ...classicPermissionHandlers(parts),
    ...grantHandlers(parts),
    ...roleHandlers(parts),
    ...rolePermissionHandlers(store),
    ...ownRoleGrantHandlers(store),
    ...roleMemberHandlers(parts),
    ...signupHandlers(passwords),
    ...signInHandlers(signIn),
    ...providerSignInHandlers(signIn),
    ...passwordPageHandlers(parts),
    ...programHandlers(parts),
    ...fragmentHandlers(),
    ...styleHandlers(),
    ...appHandlers(createWebFiles()),
  };
}
