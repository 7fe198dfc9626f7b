import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../src/config/load-config.ts';

interface Service {
  readonly image?: string;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly user?: string;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const text = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const read = (name: string): Compose => parse(text(name));

const base = read('docker-compose.yaml');
const ADDED = { postgresql: read('deploy/compose/postgresql.yaml'), tls: read('deploy/compose/tls.yaml') };
/** Every service of every file. */
const everywhere = [base, ...Object.values(ADDED)].flatMap(({ services }) => Object.entries(services));

/** A service as the base and all that is added make it, as far as these tests look. */
function merged(name: string): Service {
  const parts = everywhere.filter(([each]) => each === name).map(([, service]) => service);
  const environment = Object.assign({}, ...parts.map((part) => part.environment ?? {}));
  return Object.assign({}, ...parts, { environment });
}

const names = [...new Set(everywhere.map(([name]) => name))];

test('in compose MLflow and its database publish no port and sit on the internal network alone', () => {
  for (const name of ['mlflow', 'postgres']) {
    expect(merged(name)).not.toHaveProperty('ports');
    expect(merged(name)).not.toHaveProperty('network_mode');
    expect(merged(name).networks).toEqual(['upstream']);
  }
  expect(base.networks?.['upstream']).toEqual({ internal: true });
});

test('in compose the gateway alone is on both networks, and alone publishes a port, on this machine', () => {
  expect(names.filter((name) => merged(name).networks?.includes('front'))).toEqual(['gateway']);
  expect(names.filter((name) => merged(name).ports !== undefined)).toEqual(['gateway']);
  expect(merged('gateway').ports?.map((port) => port.replaceAll('$', ''))).toEqual([
    '{GATEWAY_ADDRESS:-127.0.0.1}:{GATEWAY_PORT:-5000}:5000',
  ]);
});

test('in compose nothing is written to but volumes and what is gone with the container, and nobody gets new rights', () => {
  for (const name of names) {
    expect(merged(name), name).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  }
  expect(merged('mlflow')).toMatchObject({ user: '10001:10001' });
  expect(names.filter((name) => merged(name).cap_add !== undefined)).toEqual(['mlflow-volume', 'postgres']);
});

test('in compose no password has a default, and .env.example names each of them, empty', () => {
  const example = text('.env.example');
  const whole = [text('docker-compose.yaml'), text('deploy/compose/postgresql.yaml')].join('\n');
  const secrets = [...new Set(whole.match(/\b[A-Z_]+_PASSWORD\b/g))];
  expect(secrets.toSorted()).toEqual([
    'GATEWAY_DB_PASSWORD',
    'MLFLOW_AUTH_ADMIN_PASSWORD',
    'MLFLOW_DB_PASSWORD',
    'POSTGRES_PASSWORD',
  ]);
  for (const secret of secrets) {
    expect(whole).toContain(`\${${secret}:?`);
    expect(whole).not.toMatch(new RegExp(`\\$\\{${secret}:?-`));
    expect(example).toMatch(new RegExp(`^${secret}=$`, 'm'));
  }
});

test('in compose every variable with a default stands in .env.example with the same', () => {
  const files = ['docker-compose.yaml', 'deploy/compose/postgresql.yaml', 'deploy/compose/tls.yaml'].map(
    text,
  );
  const example = text('.env.example');
  for (const [, name, value] of files.join('\n').matchAll(/\$\{([A-Z_]+):-([^}]+)\}/g)) {
    if (!['MLFLOW_SERVER_ENABLE_JOB_EXECUTION', 'MLFLOW_AUTH_LOG_LEVEL'].includes(name ?? '')) {
      expect(example.split('\n')).toContain(`#${name}=${value}`);
    }
  }
});

test('in compose the settings are ones the gateway takes', () => {
  const env = Object.fromEntries(
    Object.entries(merged('gateway').environment ?? {}).map(([name, value]) => [
      name,
      // As compose puts it in: the default, or what has none.
      value.replace(/\$\{[A-Z_]+:[?-]([^}]*)\}/, (written, value: string) =>
        written.includes(':?') ? 'a long password' : value,
      ),
    ]),
  );
  const { config, warnings } = loadConfig({ env, cwd: '/nowhere' });
  expect(config).toMatchObject({ upstream_uri: 'http://mlflow:5000', tls_cert_file: '/tls/cert.pem' });
  expect(warnings).toEqual([]);
});

test('the image has the commands of bin on the path', () => {
  const commands = readdirSync(new URL('../bin', import.meta.url));
  expect(commands.toSorted()).toEqual(['mlflow-auth-client', 'mlflow-auth-gateway']);
  const linked = commands.map((name) => `/app/bin/${name}`).join(' ');
  expect(text('Dockerfile')).toContain(`COPY bin ./bin\nRUN ln -s ${linked} /usr/local/bin/\n`);
  expect(text('.dockerignore').split('\n')).toContain('!bin');
});
