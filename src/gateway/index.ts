import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Handlers } from '../admin/index.ts';
import type { AllowedHost } from '../config/allowed-hosts.ts';
import type { Authenticator } from '../identity/principal.ts';
import type { createMatcher } from '../mlflow/table/match.ts';
import type { Lineage } from '../mlflow/things/lineage.ts';
import type { Workspaces } from '../mlflow/things/workspaces.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';
import type { Store } from '../store/index.ts';
import { admit } from './admit.ts';
import type { Adoption } from './adoption/adopt.ts';
import { authenticate, authenticateAgain, createAskAgain } from './authenticate.ts';
import { authorize, createDecide, type Decide } from './authorize.ts';
import { createEndOfTurn } from './end-of-turn.ts';
import { enter } from './enter.ts';
import { createExchanger, exchange } from './exchange/exchange.ts';
import { forward } from './forward/forward.ts';
import { createUploads } from './forward/uploads.ts';
import { moveIntoQuery } from './get-body.ts';
import type { Judge } from './judge/judge.ts';
import { createSpecials } from './judges/index.ts';
import { logout } from './logout.ts';
import { match } from './match.ts';
import { notShared } from './not-shared.ts';
import { read } from './read.ts';
import { type Ended, record } from './record.ts';
import type { Enforcement } from './report.ts';
import type { Census } from './reused-ids/census.ts';
import { look } from './reused-ids/look.ts';
import { sameOrigin } from './same-origin.ts';
import type { PageTokens } from './search/page-token.ts';
import { serve } from './serve.ts';
import { transport } from './transport.ts';

/** What knows the names and ids of one workspace: each has its own. */
export interface Context {
  readonly upstream: Upstream;
  readonly lineage: Lineage;
  readonly judge: Judge;
  readonly adoption: Adoption;
  readonly census: Census;
  readonly store: Store;
  readonly handlers: Handlers;
}

/** As a {@link Context}, it is the one there is where MLflow has no workspaces. */
export interface GatewayParts extends Context {
  readonly find: ReturnType<typeof createMatcher>;
  readonly ways: readonly Authenticator[];
  readonly workspaces: Workspaces;
  /** The context of a workspace, the default one too, of an MLflow that has them. */
  readonly within: (workspace: string) => Context;
  /** Whether everybody is in the default workspace, with `default_permission`, a role there or not. */
  readonly opensDefault: boolean;
  readonly pageTokens: PageTokens;
  readonly maxJsonBodyBytes: number;
  /** Most requests without credentials that are answered at once to one address. */
  readonly perAddress: number;
  /** Below which everything is served, such as `/mlflow`; empty for none. */
  readonly staticPrefix: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Told of each request when its answer has ended, for metrics and audit. */
  readonly ended?: ((request: Ended) => void) | undefined;
  /** Hosts that users may have the AI gateway of MLflow call; undefined where the operator has named none. */
  readonly allowedHosts: readonly AllowedHost[] | undefined;
  /** Whether MLflow's operations are refused to those who were not granted them, or only noted. */
  readonly enforcement: Enforcement;
}

/** The way of a request, in the order in which every request goes it. */
export function gateway(app: FastifyInstance, parts: GatewayParts): void {
  const { ways, staticPrefix } = parts;
  const decideAt = perContext(parts, (context) => {
    const here = { ...parts, ...context };
    return createDecide(here, createSpecials(here));
  });
  const decide: Decide = (request) => decideAt(request)(request);
  const askAgain = createAskAgain(ways, staticPrefix);
  const uploads = createUploads(parts.store.changes, async (request) => {
    await askAgain(request);
    await decide(request);
  });

  const endOfTurn = createEndOfTurn();

  record(app, parts.ended, endOfTurn);
  transport(app);
  match(app, parts.find);
  sameOrigin(app);
  logout(app, parts);
  authenticate(app, ways, staticPrefix, endOfTurn);
  notShared(app);
  enter(app, parts);
  moveIntoQuery(app, parts);
  read(app, parts);
  authenticateAgain(app, ways, staticPrefix);
  admit(app, parts, askAgain);
  look(
    app,
    perContext(parts, ({ census }) => census),
    askAgain,
  );
  authorize(app, decide);
  serve(
    app,
    perContext(parts, (context) => context),
    parts,
  );
  exchange(
    app,
    perContext(parts, (context) => createExchanger({ ...parts, ...context })),
  );
  forward(app, parts.upstream, uploads, endOfTurn);
}

/** Makes something once for each context, and finds the one of a request. */
function perContext<T>(parts: GatewayParts, make: (context: Context) => T): (request: FastifyRequest) => T {
  const whole = make(parts);
  const made = new WeakMap<Context, { readonly it: T }>();
  return ({ way: { workspace } }) => {
    if (workspace === undefined) {
      return whole;
    }
    const context = parts.within(workspace.name);
    const known = made.get(context) ?? { it: make(context) };
    made.set(context, known);
    return known.it;
  };
}
