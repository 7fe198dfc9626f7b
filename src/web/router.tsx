import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { PREFIX } from './api/client.ts';
import { NotFound } from './pages/not-found.tsx';
import { INVITATION, Shell } from './parts/shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const page = <const Path extends string>(path: Path, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => root, path, component });

/** Every page, each in a file that is loaded when it is opened. */
const pages = [
  page(
    '/account',
    lazyRouteComponent(() => import('./pages/account/account.tsx'), 'Account'),
  ),
  page(
    '/share/$kind/$id',
    lazyRouteComponent(() => import('./pages/share/share.tsx'), 'Share'),
  ),
  page(
    '/requests',
    lazyRouteComponent(() => import('./pages/requests/requests.tsx'), 'Requests'),
  ),
  page(
    '/admin/users',
    lazyRouteComponent(() => import('./pages/admin/users.tsx'), 'Users'),
  ),
  page(
    '/admin/users/$name',
    lazyRouteComponent(() => import('./pages/admin/user.tsx'), 'OneUser'),
  ),
  page(
    '/admin/invitations',
    lazyRouteComponent(() => import('./pages/admin/invitations.tsx'), 'Invitations'),
  ),
  page(
    '/admin/roles',
    lazyRouteComponent(() => import('./pages/admin/roles.tsx'), 'Roles'),
  ),
  page(
    '/admin/tokens',
    lazyRouteComponent(() => import('./pages/admin/tokens.tsx'), 'Tokens'),
  ),
  page(
    '/admin/audit',
    lazyRouteComponent(() => import('./pages/admin/audit.tsx'), 'AuditLog'),
  ),
  page(
    '/admin/report',
    lazyRouteComponent(() => import('./pages/admin/report.tsx'), 'Report'),
  ),
  page(
    '/admin/lockouts',
    lazyRouteComponent(() => import('./pages/admin/lockouts.tsx'), 'Lockouts'),
  ),
  page(
    '/admin/providers',
    lazyRouteComponent(() => import('./pages/admin/providers.tsx'), 'Providers'),
  ),
  page(
    '/admin/status',
    lazyRouteComponent(() => import('./pages/admin/status.tsx'), 'Status'),
  ),
  page(
    INVITATION,
    lazyRouteComponent(() => import('./pages/invitation.tsx'), 'Invitation'),
  ),
  page(
    '/api',
    lazyRouteComponent(() => import('./pages/api.tsx'), 'Api'),
  ),
] as const;

export const createAppRouter = () =>
  createRouter({ routeTree: root.addChildren(pages), basepath: `${PREFIX}/auth`, scrollRestoration: true });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
