import { manifest } from '../../manifest.ts';
import type { Survey } from '../../mlflow/survey.ts';
import { describeCoverage } from '../../mlflow/table/coverage.ts';
import type { Reply } from '../../reply.ts';
import type { Store } from '../../store/index.ts';
import { type Condition, PARTS, type Readiness } from '../readiness.ts';

/** What is told about the gateway itself. */
export interface HealthParts {
  readonly store: Pick<Store, 'intents'>;
  readonly readiness: Readiness;
  /** Looks at the upstream; rejects if it does not answer. */
  readonly survey: () => Promise<Survey>;
  /** When the certificate ends, in milliseconds since the epoch; undefined without one. */
  readonly certificateEndsAt: () => number | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Whether permissions are enforced, or only reported. */
  readonly enforcement: 'enforce' | 'report';
}

/** Whether it lives, whether it can serve, and to an admin everything about that. */
export function healthHandlers({
  store,
  readiness,
  survey,
  certificateEndsAt,
  startedAt,
  enforcement,
}: HealthParts) {
  return {
    /** The gateway itself is up; MLflow's own body. */
    health: (): Reply => ({ body: 'OK' }),

    /** One word, for load balancers and orchestrators: `ready`, or the part that does not answer. */
    async ready(): Promise<Reply> {
      const conditions = await readiness.ask();
      const missing = PARTS.find((part) => !conditions[part].ready);
      const headers = { 'cache-control': 'no-store' };
      return missing === undefined
        ? { headers, body: 'ready' }
        : { status: 503, headers, body: missing, because: `${missing}: ${conditions[missing].because}` };
    },

    async status(): Promise<Reply> {
      const conditions = await readiness.ask();
      const open = await store.intents.list();
      const found = conditions.upstream.ready ? await survey().catch(() => undefined) : undefined;
      const endsAt = certificateEndsAt();
      return {
        body: {
          version: manifest.version,
          started_at: startedAt,
          enforcement,
          ready: PARTS.every((part) => conditions[part].ready),
          store: { ...json(conditions.store), open_intents: open.length },
          upstream: { ...json(conditions.upstream), ...(found && surveyJson(found)) },
          ...(endsAt !== undefined && { certificate: { ends_at: endsAt } }),
        },
      };
    },
  };
}

const json = ({ ready, checkedAt, latencyMs, because }: Condition) => ({
  ready,
  checked_at: checkedAt,
  latency_ms: Math.round(latencyMs * 10) / 10,
  ...(because !== undefined && { because }),
});

const surveyJson = ({ version, coverage, problems, notes }: Survey) => ({
  mlflow_version: version ?? null,
  ...(coverage && { coverage: describeCoverage(coverage) }),
  problems,
  notes,
});
