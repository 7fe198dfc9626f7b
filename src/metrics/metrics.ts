import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Readiness } from '../admin/readiness.ts';
import type { Ended } from '../gateway/record.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';
import type { Store } from '../store/index.ts';
import { ofMemory, ofRequests, ofWhatIsAsked } from './instruments.ts';
import { outcomeOf } from './outcome.ts';

/** Where an answer was found: remembered here, or asked elsewhere. */
export type FoundIn = 'memory' | 'upstream' | 'store';

/**
 * Counts what the parts of the gateway tell it. Each verb takes about a microsecond: it is called on the way of
 * requests. Every label has a bounded number of values, none of which a client can make up.
 */
export interface Metrics {
  readonly registry: Registry;
  /** A request has ended, however it did. */
  ended(request: Ended): void;
  /** The root of a child was looked for. */
  lookedUp(kind: string, foundIn: FoundIn): void;
  /** The account of a caller was looked for. */
  foundAccount(foundIn: FoundIn): void;
  /** The upstream began an answer, or failed to, after this long. */
  upstreamAnswered(seconds: number, answered: boolean): void;
  /** The store has run a query. */
  queried(seconds: number): void;
  /** Adds what is read off at a scrape. */
  watch(watched: Watched): void;
}

/** What is asked when Prometheus scrapes, and not before. */
export interface Watched {
  readonly store: { readonly intents: Pick<Store['intents'], 'list'> };
  readonly upstream: Pick<Upstream, 'load'>;
  readonly readiness: Readiness;
  /** Milliseconds since the epoch; undefined without a certificate. */
  readonly certificateEndsAt: () => number | undefined;
}

/** Creates all instruments, in a registry of their own. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'mlflow_gateway_info',
    help: 'The version of the gateway.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  const counted = ofRequests(registers);
  const memory = ofMemory(registers);
  const asked = ofWhatIsAsked(registers);

  return {
    registry,
    ended(request) {
      const { way, status, failure, ms } = request;
      counted.requests.inc({ operation: way?.operation?.name ?? 'none', status: status ?? 'none' });
      counted.outcomes.inc({ outcome: outcomeOf(request) });
      counted.duration.observe(ms / 1000);
      for (const { reference, allow } of way?.judged ?? []) {
        counted.decisions.inc({ kind: reference.kind, action: reference.action, allowed: String(allow) });
      }
      if (way?.signInFailed) {
        counted.signInFailures.inc();
      }
      // MLflow's own 429 is no failure of the request: it is passed on.
      if (status === 429 && failure !== undefined) {
        counted.throttled.inc();
      }
    },
    lookedUp: (kind, foundIn) => memory.lookUps.inc({ kind, found_in: foundIn }),
    foundAccount: (foundIn) => memory.accounts.inc({ found_in: foundIn }),
    upstreamAnswered(seconds, answered) {
      if (answered) {
        asked.upstream.observe(seconds);
      } else {
        asked.upstreamFailures.inc();
      }
    },
    queried: (seconds) => asked.store.observe(seconds),
    watch: (watched) => addGauges(registry, watched),
  };
}

/** Gauges that are read off at a scrape. */
function addGauges(registry: Registry, { store, upstream, readiness, certificateEndsAt }: Watched): void {
  const registers = [registry];
  new Gauge({
    name: 'mlflow_gateway_open_intents',
    help: 'Creates, renames and deletes whose outcome at MLflow is not known yet; not told while the store is away.',
    registers,
    async collect() {
      const open = await store.intents.list().catch(() => undefined);
      if (open === undefined) {
        this.remove();
      } else {
        this.set(open.length);
      }
    },
  });
  new Gauge({
    name: 'mlflow_gateway_ready',
    help: '1 while the part answers.',
    labelNames: ['part'],
    registers,
    async collect() {
      for (const [part, { ready }] of Object.entries(await readiness.ask())) {
        this.set({ part }, ready ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'mlflow_gateway_upstream_requests',
    help: 'Requests to MLflow under way: running, and queued for want of a connection (upstream_connections).',
    labelNames: ['state'],
    registers,
    collect() {
      const { running, queued } = upstream.load();
      this.set({ state: 'running' }, running);
      this.set({ state: 'queued' }, queued);
    },
  });
  if (certificateEndsAt() !== undefined) {
    new Gauge({
      name: 'mlflow_gateway_certificate_end_seconds',
      help: 'When the certificate in use ends, in seconds since the epoch.',
      registers,
      collect() {
        this.set((certificateEndsAt() ?? 0) / 1000);
      },
    });
  }
}
