import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Readiness } from '../admin/readiness.ts';
import type { Ended } from '../gateway/record.ts';
import type { Upstream } from '../mlflow/upstream/upstream.ts';
import type { Store } from '../store/index.ts';
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
}

/** From a look-up on a socket to an upload of an hour. */
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const STORE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];

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
  const requests = new Counter({
    name: 'mlflow_gateway_requests_total',
    help: 'Requests that have ended, by the row of the table that they matched ("none" without one) and status.',
    labelNames: ['operation', 'status'],
    registers,
  });
  const outcomes = new Counter({
    name: 'mlflow_gateway_outcomes_total',
    help: 'Requests that have ended, by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'mlflow_gateway_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const decisions = new Counter({
    name: 'mlflow_gateway_decisions_total',
    help: 'What was decided about the things that requests touch, by their kind, the action and whether it is allowed.',
    labelNames: ['kind', 'action', 'allowed'],
    registers,
  });
  const lookUps = new Counter({
    name: 'mlflow_gateway_look_ups_total',
    help: 'Look-ups of what a run, trace and so on belongs to, by kind and by where the answer was found.',
    labelNames: ['kind', 'found_in'],
    registers,
  });
  const accounts = new Counter({
    name: 'mlflow_gateway_account_look_ups_total',
    help: 'Look-ups of the account of a caller, by where it was found.',
    labelNames: ['found_in'],
    registers,
  });
  const signInFailures = new Counter({
    name: 'mlflow_gateway_sign_in_failures_total',
    help: 'Requests with credentials that do not prove anything.',
    registers,
  });
  const throttled = new Counter({
    name: 'mlflow_gateway_throttled_total',
    help: 'Requests that the gateway turned away for too many failures to sign in.',
    registers,
  });
  const upstream = new Histogram({
    name: 'mlflow_gateway_upstream_duration_seconds',
    help: 'From sending a request to MLflow to the head of its answer, look-ups of the gateway included.',
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const upstreamFailures = new Counter({
    name: 'mlflow_gateway_upstream_failures_total',
    help: 'Requests to MLflow that got no answer; those that a client gave up are not among them.',
    registers,
  });
  const store = new Histogram({
    name: 'mlflow_gateway_store_duration_seconds',
    help: 'Time of a query of the store.',
    buckets: STORE_BUCKETS,
    registers,
  });

  return {
    registry,
    ended(request) {
      const { way, status, failure, ms } = request;
      requests.inc({ operation: way?.operation?.name ?? 'none', status: status ?? 'none' });
      outcomes.inc({ outcome: outcomeOf(request) });
      duration.observe(ms / 1000);
      for (const { reference, allow } of way?.judged ?? []) {
        decisions.inc({ kind: reference.kind, action: reference.action, allowed: String(allow) });
      }
      if (way?.signInFailed) {
        signInFailures.inc();
      }
      // MLflow's own 429 is no failure of the request: it is passed on.
      if (status === 429 && failure !== undefined) {
        throttled.inc();
      }
    },
    lookedUp: (kind, foundIn) => lookUps.inc({ kind, found_in: foundIn }),
    foundAccount: (foundIn) => accounts.inc({ found_in: foundIn }),
    upstreamAnswered(seconds, answered) {
      if (answered) {
        upstream.observe(seconds);
      } else {
        upstreamFailures.inc();
      }
    },
    queried: (seconds) => store.observe(seconds),
    watch: (watched) => addGauges(registry, watched),
  };
}

/** Gauges that are read off at a scrape. */
function addGauges(registry: Registry, { store, upstream, readiness }: Watched): void {
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
}
