import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Which way imports point: `npm test` fails on an import circle and on an import that runs back up. Type imports count.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */

/** The floors of src, highest first: a folder or file may import from its own floor's line and from those below. */
const FLOORS = [
  ['main.ts', 'cli'],
  ['server.ts', 'greeting.ts'],
  ['app.ts', 'routes.ts', 'metrics'],
  ['gateway'],
  ['admin'],
  ['audit'],
  ['identity'],
  ['mlflow'],
  ['store'],
  ['listening'],
  ['config.ts', 'config'],
  [
    'policy',
    'errors.ts',
    'reply.ts',
    'escape-html.ts',
    'manifest.ts',
    'recently-used.ts',
    'time-ordered-id.ts',
  ],
];

/** The rooms of src/gateway, highest first. */
const GATEWAY_FLOORS = [
  ['gateway/index.ts'],
  ['gateway/authorize.ts', 'gateway/authenticate.ts', 'gateway/exchange'],
  ['gateway/judges'],
  ['gateway/adoption', 'gateway/reused-ids', 'gateway/search', 'gateway/forward'],
  ['gateway/judge'],
  ['gateway/locate'],
  ['gateway/way.ts'],
];

const pathOf = (names) =>
  `^src/(?:${names.map((name) => (name.endsWith('.ts') ? name.replace('.', '\\.') : `${name}/`)).join('|')})`;

/** What is run, by scripts too, or loaded by its address. */
const ENTRIES = pathOf([
  'main.ts',
  'cli/client/index.ts',
  'cli/start/index.ts',
  'identity/password-worker.ts',
  'config/reference.ts',
  'mlflow/table/routes-page.ts',
]);

const downwards = (floors) =>
  floors.slice(1).map((names, index) => ({
    name: `${names.join(' and ')} imports from above`,
    severity: 'error',
    from: { path: pathOf(names) },
    to: { path: pathOf(floors.slice(0, index + 1).flat()) },
  }));

const ENGINES = 'src/store/engines';

/** The packages that engines alone speak to their databases by: all that they import but the builder of queries. */
const DRIVERS = new Set(
  readdirSync(ENGINES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ parentPath, name }) => [
      ...readFileSync(join(parentPath, name), 'utf8').matchAll(/ from '(?!\.|node:|kysely)([^']+)'/g),
    ])
    .map(([, name]) => name),
);

export default {
  forbidden: [
    { name: 'import circle', severity: 'error', from: {}, to: { circular: true } },
    ...downwards(FLOORS),
    ...downwards(GATEWAY_FLOORS),
    {
      // A judge, a page or a way of signing in that nothing imports is one that never acts.
      name: 'nothing imports it',
      severity: 'error',
      from: { path: ENTRIES },
      to: { path: '^src/', pathNot: ENTRIES, reachable: false },
    },
    {
      name: 'the policy imports nothing of the rest',
      severity: 'error',
      from: { path: '^src/policy/' },
      to: { path: '^src/(?!policy/)' },
    },
    {
      name: 'an engine is reached through the place that a URI names',
      severity: 'error',
      from: { pathNot: `^${ENGINES}/` },
      to: { path: `^${ENGINES}/[^/]+/` },
    },
    {
      name: 'an engine knows no other engine',
      severity: 'error',
      from: { path: `^${ENGINES}/([^/]+)/` },
      to: { path: `^${ENGINES}/`, pathNot: `^${ENGINES}/$1/` },
    },
    {
      name: 'a database driver is known to its engine alone',
      severity: 'error',
      from: { pathNot: '^src/store/(?:engines/[^/]+|files)/' },
      to: { path: `node_modules/(?:@types/)?(?:${[...DRIVERS].join('|')})/` },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    // Pages, whose build fails where they import code of the server (src/web/vite.config.ts).
    exclude: { path: '^src/web/' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
