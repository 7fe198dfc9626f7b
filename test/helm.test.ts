import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import manifest from '../package.json' with { type: 'json' };
import { settings } from '../src/config.ts';
import { isThere } from './support/is-there.ts';

const CHART = resolve(import.meta.dirname, '../deploy/helm');
/** Of Kubernetes, the oldest that Chart.yaml takes and a newer one. */
const VERSIONS = ['1.27.0', '1.34.0'] as const;
const SECRETS = ['--set', 'secretName=gateway-secret', '--set', 'mlflow.secretName=mlflow-secret'];

type Labels = Readonly<Record<string, string>>;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly securityContext: unknown;
  readonly livenessProbe?: { readonly httpGet: unknown };
  readonly readinessProbe?: { readonly httpGet: unknown };
}

/** A manifest, as far as these tests look. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly maxUnavailable?: number;
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly strategy?: unknown;
    readonly template?: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly automountServiceAccountToken?: boolean;
        readonly terminationGracePeriodSeconds?: number;
        readonly securityContext: unknown;
        readonly containers: readonly Container[];
        readonly initContainers?: readonly Container[];
      };
    };
    readonly podSelector?: { readonly matchLabels: Labels };
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly unknown[];
  };
}

test('the chart has the version of the package', () => {
  const chart = readFileSync(join(CHART, 'Chart.yaml'), 'utf8');
  expect(chart).toContain(`\nversion: ${manifest.version}\n`);
  expect(chart).toContain(`\nappVersion: ${manifest.version}\n`);
});

// Where Helm is; nothing else here needs it.
describe.skipIf(!isThere('helm'))('the chart', () => {
  const helm = (...args: readonly string[]) =>
    execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const write = (...args: readonly string[]) =>
    helm('template', 'team', CHART, '--kube-version', VERSIONS[0], ...args);
  const render = (...args: readonly string[]) =>
    parseAllDocuments(write(...args)).map((document) => document.toJS() as Manifest);
  const named = (all: readonly Manifest[], kind: string, name: string) => {
    const found = all.find((each) => each.kind === kind && each.metadata.name === name);
    if (found === undefined) {
      throw new Error(`no ${kind} ${name}`);
    }
    return found.spec;
  };
  const selects = (selector: Labels | undefined, labels: Labels | undefined) =>
    selector !== undefined &&
    Object.entries(selector).every(([name, value]) => labels?.[name] === value) &&
    Object.keys(selector).length > 0;
  const labelsOf = (all: readonly Manifest[], name: string) =>
    named(all, 'Deployment', name).template?.metadata.labels;

  const GATEWAY = 'team-mlflow-auth-gateway';
  const MLFLOW = `${GATEWAY}-mlflow`;

  /** What people would set. */
  const WAYS: Readonly<Record<string, readonly string[]>> = {
    'as it comes': SECRETS,
    'an MLflow of one’s own': [
      ...['--set', 'secretName=s', '--set', 'mlflow.enabled=false'],
      ...['--set', 'upstream.uri=http://mlflow:80', '--set', 'upstream.podLabels.app=mlflow'],
    ],
    'TLS at the gateway, certificates, other settings': [
      ...[...SECRETS, '--set', 'tls.secretName=t', '--set', 'settings.log_level=debug'],
      ...['--set-json', 'certificates=[{"name":"db","secretName":"ca","mountPath":"/certificates"}]'],
      ...['--set', `image.digest=sha256:${'0'.repeat(64)}`, '--set', 'networkPolicy.enabled=false'],
    ],
    'an Ingress, object storage, policies': [
      ...[...SECRETS, '--set', 'ingress.enabled=true', '--set', 'ingress.host=mlflow.example.com'],
      ...['--set', 'mlflow.artifacts.destination=s3://models', '--set', 'ingress.className=nginx'],
      ...['--set', 'mlflow.artifacts.environmentSecretName=aws'],
      '--set-json',
      'networkPolicy={"clients":[{"podSelector":{}}],"metricsClients":[{"namespaceSelector":{}}],"mlflowEgress":[{"to":[{"ipBlock":{"cidr":"192.0.2.0/24"}}]}]}',
    ],
  };

  test.each(Object.entries(WAYS))('is found right by Helm: %s', (_what, args) => {
    expect(helm('lint', CHART, '--strict', '--kube-version', VERSIONS[0], ...args)).toContain(
      '0 chart(s) failed',
    );
  });

  test.skipIf(!isThere('kubernetes-validate')).each(Object.entries(WAYS))(
    'is what the schemas of Kubernetes take: %s',
    (_what, args) => {
      const dir = mkdtempSync(join(tmpdir(), 'chart-'));
      const check = (text: string, version: string) => {
        writeFileSync(join(dir, 'all.yaml'), text);
        execFileSync('kubernetes-validate', ['--strict', '-k', version, join(dir, 'all.yaml')], {
          stdio: 'pipe',
        });
      };
      for (const version of VERSIONS) {
        check(write(...args), version);
      }
      expect(() => check(write(...args).replaceAll('runAsNonRoot:', 'runAsNoRoot:'), VERSIONS[0])).toThrow();
      rmSync(dir, { recursive: true });
    },
  );

  test('does not start without Secrets, and says so', () => {
    expect(() => write('--set', 'mlflow.secretName=m')).toThrow(
      /secretName: a Secret with the keys database-uri and admin-password/,
    );
    expect(() => write('--set', 'secretName=s')).toThrow(/mlflow\.secretName: a Secret/);
  });

  test('refuses values that it does not know, and passwords among the settings', () => {
    expect(() => write(...SECRETS, '--set', 'replica=3')).toThrow(/replica/);
    expect(() => write(...SECRETS, '--set', 'settings.admin_password=x')).toThrow(/admin_password/);
    expect(() => write(...SECRETS, '--set', 'settings.database_uri=x')).toThrow(/database_uri/);
  });

  test('has two gateways that go one at a time, and last as long as they drain', () => {
    const all = render(...SECRETS);
    const gateway = named(all, 'Deployment', GATEWAY);
    expect(gateway.replicas).toBe(2);
    expect(gateway.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    });
    expect(gateway.template?.spec.terminationGracePeriodSeconds).toBeGreaterThan(30 + 5);
    const budget = named(all, 'PodDisruptionBudget', GATEWAY);
    expect(budget.maxUnavailable).toBe(1);
    expect(selects(budget.selector?.matchLabels, labelsOf(all, GATEWAY))).toBe(true);
    expect(selects(budget.selector?.matchLabels, labelsOf(all, MLFLOW))).toBe(false);
    const [container] = gateway.template?.spec.containers ?? [];
    expect(container?.livenessProbe?.httpGet).toMatchObject({ path: '/health', scheme: 'HTTP' });
    expect(container?.readinessProbe?.httpGet).toMatchObject({ path: '/ready', scheme: 'HTTP' });
  });

  test('lets nobody reach MLflow but the gateway', () => {
    const all = render(...SECRETS);
    const [gateway, mlflow] = [labelsOf(all, GATEWAY), labelsOf(all, MLFLOW)];
    const policy = named(all, 'NetworkPolicy', MLFLOW);
    expect(selects(policy.podSelector?.matchLabels, mlflow)).toBe(true);
    expect(policy.policyTypes).toContain('Ingress');
    const [rule, ...more] = policy.ingress as readonly {
      readonly from: readonly { readonly podSelector: { readonly matchLabels: Labels } }[];
    }[];
    expect(more).toEqual([]);
    expect(rule?.from).toHaveLength(1);
    // Without a namespace it means this one alone.
    expect(Object.keys(rule?.from[0] ?? {})).toEqual(['podSelector']);
    const allowed = rule?.from[0]?.podSelector.matchLabels;
    expect(selects(allowed, gateway)).toBe(true);
    expect(selects(allowed, mlflow)).toBe(false);
    // Traffic for the gateway does not end at MLflow either.
    const service = named(all, 'Service', GATEWAY).selector;
    expect(selects(service, gateway)).toBe(true);
    expect(selects(service, mlflow)).toBe(false);
  });

  test('keeps an MLflow of one’s own behind the gateway by its labels', () => {
    const policy = named(render(...(WAYS['an MLflow of one’s own'] ?? [])), 'NetworkPolicy', MLFLOW);
    expect(policy.podSelector?.matchLabels).toEqual({ app: 'mlflow' });
  });

  test('runs everything without rights, on a file system that is not written to', () => {
    for (const { kind, spec } of render(...SECRETS)) {
      if (kind === 'Deployment') {
        const pod = spec.template?.spec;
        expect(pod).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        });
        for (const container of [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])]) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
        }
      }
    }
  });

  test('sets only what the gateway reads, and secrets by reference', () => {
    const way = WAYS['TLS at the gateway, certificates, other settings'] ?? [];
    const [container] = named(render(...way), 'Deployment', GATEWAY).template?.spec.containers ?? [];
    const env = container?.env ?? [];
    const known = Object.keys(settings.shape).map((name) => `MLFLOW_AUTH_${name.toUpperCase()}`);
    expect(env.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
    expect(env).toContainEqual({ name: 'MLFLOW_AUTH_LOG_LEVEL', value: 'debug' });
    for (const secret of ['MLFLOW_AUTH_DATABASE_URI', 'MLFLOW_AUTH_ADMIN_PASSWORD']) {
      expect(env.find(({ name }) => name === secret)).toMatchObject({ valueFrom: { secretKeyRef: {} } });
    }
    expect(container?.image).toBe(`mlflow-auth-gateway@sha256:${'0'.repeat(64)}`);
    expect(container?.readinessProbe?.httpGet).toMatchObject({ scheme: 'HTTPS' });
  });
});
