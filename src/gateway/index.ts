import type { FastifyInstance } from 'fastify';
import type { Handlers } from '../admin/index.ts';
import type { Authenticator } from '../identity/principal.ts';
import type { Lineage } from '../mlflow/lineage.ts';
import type { createMatcher } from '../mlflow/match.ts';
import type { Upstream } from '../mlflow/upstream.ts';
import type { Store } from '../store/index.ts';
import type { Adoption } from './adopt.ts';
import { authenticate, authenticateAgain } from './authenticate.ts';
import { authorize, type Judge } from './authorize.ts';
import { exchange } from './exchange.ts';
import { forward } from './forward.ts';
import { head } from './head.ts';
import { match } from './match.ts';
import type { PageTokens } from './page-token.ts';
import { read } from './read.ts';
import { record } from './record.ts';
import { sameOrigin } from './same-origin.ts';
import { serve } from './serve.ts';
import { createSpecials } from './special.ts';
import { transport } from './transport.ts';

export interface GatewayParts {
  readonly find: ReturnType<typeof createMatcher>;
  readonly ways: readonly Authenticator[];
  readonly upstream: Upstream;
  readonly lineage: Lineage;
  readonly judge: Judge;
  readonly adoption: Adoption;
  readonly store: Store;
  readonly handlers: Handlers;
  readonly pageTokens: PageTokens;
  readonly maxJsonBodyBytes: number;
}

/** The way of a request, in the order in which every request goes it. */
export function gateway(app: FastifyInstance, parts: GatewayParts): void {
  record(app);
  transport(app);
  sameOrigin(app);
  match(app, parts.find);
  authenticate(app, parts.ways);
  read(app, parts);
  authenticateAgain(app, parts.ways);
  authorize(app, parts.judge, createSpecials(parts));
  head(app);
  serve(app, parts.handlers);
  exchange(app, parts);
  forward(app, parts.upstream);
}
