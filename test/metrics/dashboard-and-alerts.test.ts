import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics/metrics.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const { groups } = parse(read('deploy/prometheus/alerts.yaml')) as Rules;
const { panels } = JSON.parse(read('deploy/grafana/dashboard.json')) as Dashboard;

const queries = [
  ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as const)),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];

/** Prometheus adds these. */
const TARGET_LABELS = ['job', 'instance'];
const OF_PROMETHEUS = ['up'];

const known = knownSeries();

/** The labels of each series that the gateway has, by its name. */
function knownSeries(): ReadonlyMap<string, ReadonlySet<string>> {
  const metrics = createMetrics('1.2.3');
  metrics.watch({
    store: { intents: { list: never } },
    upstream: { load: () => ({ running: 0, queued: 0 }) },
    readiness: { ask: never },
    certificateEndsAt: () => 0,
  });
  return new Map(
    metrics.registry.getMetricsAsArray().flatMap((metric) => {
      // Neither stands in the declared type.
      const { name, type, labelNames } = metric as typeof metric & { type: string; labelNames: string[] };
      const labels = new Set([...labelNames, ...TARGET_LABELS]);
      return type === 'histogram'
        ? ['_bucket', '_sum', '_count'].map((end) => [`${name}${end}`, new Set([...labels, 'le'])] as const)
        : [[name, labels] as const];
    }),
  );
}

function never(): Promise<never> {
  return Promise.reject(new Error('nobody scrapes'));
}

/** The parts of a query; Grafana's variables are put in as it does. */
function partsOf(query: string) {
  const written = query.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'mlflow-auth-gateway');
  const parts = { errors: 0, metrics: new Set<string>(), labels: new Set<string>() };
  parser.parse(written).iterate({
    enter({ type, from, to, node }) {
      const text = written.slice(from, to);
      if (type.isError) {
        parts.errors += 1;
      } else if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') {
        parts.metrics.add(text);
      } else if (type.name === 'LabelName') {
        parts.labels.add(text);
      }
    },
  });
  return parts;
}

describe.each(queries)('%s', (_title, query) => {
  const { errors, metrics, labels } = partsOf(query);

  test('is PromQL over series that the gateway has', () => {
    expect(errors).toBe(0);
    expect(metrics.size).toBeGreaterThan(0);
    expect([...metrics].filter((name) => !known.has(name) && !OF_PROMETHEUS.includes(name))).toEqual([]);
  });

  test('names labels that these series have', () => {
    const had = new Set([...metrics].flatMap((name) => [...(known.get(name) ?? TARGET_LABELS)]));
    expect([...labels].filter((label) => !had.has(label))).toEqual([]);
  });
});

test('a query of something that is not there is noticed', () => {
  expect(partsOf('sum(rate(').errors).toBeGreaterThan(0);
  expect(partsOf('mlflow_gateway_requests_totl{statuss="1"}')).toMatchObject({
    metrics: new Set(['mlflow_gateway_requests_totl']),
    labels: new Set(['statuss']),
  });
});

test('every metric of the gateway stands in the manual', () => {
  const manual = read('docs/operations.md');
  const names = [...known.keys()]
    .filter((name) => name.startsWith('mlflow_gateway_'))
    .map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
  expect(names.filter((name) => !manual.includes(`\`${name}`))).toEqual([]);
});
