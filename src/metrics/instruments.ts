import { Counter, Histogram, type Registry } from 'prom-client';

/** Bounds in seconds, from a look-up on a socket to an upload of an hour. */
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const STORE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];

/** What is counted when a request has ended. */
export function ofRequests(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'mlflow_gateway_requests_total',
      help: 'Requests that have ended, by the row of the table that they matched ("none" without one) and status.',
      labelNames: ['operation', 'status'],
      registers,
    }),
    outcomes: new Counter({
      name: 'mlflow_gateway_outcomes_total',
      help: 'Requests that have ended, by what became of them.',
      labelNames: ['outcome'],
      registers,
    }),
    duration: new Histogram({
      name: 'mlflow_gateway_request_duration_seconds',
      help: 'From the head of a request to the end of its answer.',
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    decisions: new Counter({
      name: 'mlflow_gateway_decisions_total',
      help: 'What was decided about the things that requests touch, by their kind, the action and whether it is allowed.',
      labelNames: ['kind', 'action', 'allowed'],
      registers,
    }),
    signInFailures: new Counter({
      name: 'mlflow_gateway_sign_in_failures_total',
      help: 'Requests with credentials that do not prove anything.',
      registers,
    }),
    throttled: new Counter({
      name: 'mlflow_gateway_throttled_total',
      help: 'Requests that the gateway turned away for too many failures to sign in.',
      registers,
    }),
  };
}

/** How often the gateway knows an answer, and how often it has to ask. */
export function ofMemory(registers: Registry[]) {
  return {
    lookUps: new Counter({
      name: 'mlflow_gateway_look_ups_total',
      help: 'Look-ups of what a run, trace and so on belongs to, by kind and by where the answer was found.',
      labelNames: ['kind', 'found_in'],
      registers,
    }),
    accounts: new Counter({
      name: 'mlflow_gateway_account_look_ups_total',
      help: 'Look-ups of the account of a caller, by where it was found.',
      labelNames: ['found_in'],
      registers,
    }),
  };
}

/** How long MLflow and the store take. */
export function ofWhatIsAsked(registers: Registry[]) {
  return {
    upstream: new Histogram({
      name: 'mlflow_gateway_upstream_duration_seconds',
      help: 'From sending a request to MLflow to the head of its answer, look-ups of the gateway included.',
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    upstreamFailures: new Counter({
      name: 'mlflow_gateway_upstream_failures_total',
      help: 'Requests to MLflow that got no answer; those that a client gave up are not among them.',
      registers,
    }),
    store: new Histogram({
      name: 'mlflow_gateway_store_duration_seconds',
      help: 'Time of a query of the store.',
      buckets: STORE_BUCKETS,
      registers,
    }),
  };
}
