import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadConfig } from '../src/config/load-config.ts';
import { NEWEST, pythonOf } from './support/mlflow.ts';

interface Service {
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

function readCompose(): Compose {
  const input = readFileSync(new URL('../docker-compose.yaml', import.meta.url));
  const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))';
  return JSON.parse(execFileSync(pythonOf(NEWEST), ['-c', script], { input, encoding: 'utf8' }));
}

const { services, networks } = readCompose();

test('in compose MLflow publishes no port and sits on the internal network alone', () => {
  const { mlflow } = services;
  expect(mlflow).not.toHaveProperty('ports');
  expect(mlflow).not.toHaveProperty('network_mode');
  expect(mlflow?.networks).toEqual(['upstream']);
  expect(networks['upstream']).toEqual({ internal: true });
});

test('in compose the gateway alone shares MLflow’s network, and alone publishes a port', () => {
  const having = (test: (service: Service) => boolean) =>
    Object.keys(services).filter((name) => test(services[name] ?? {}));
  expect(having(({ networks: names }) => names?.includes('upstream') !== false)).toEqual([
    'mlflow',
    'gateway',
  ]);
  expect(having(({ ports }) => ports !== undefined)).toEqual(['gateway']);
});

test('in compose the administrator’s password has no default, and the settings are ones the gateway takes', () => {
  const env = { ...services['gateway']?.environment };
  expect(env['MLFLOW_AUTH_ADMIN_PASSWORD']).toMatch(/^\$\{MLFLOW_AUTH_ADMIN_PASSWORD:\?[^}]+\}$/);
  delete env['MLFLOW_AUTH_ADMIN_PASSWORD'];
  const { config, warnings } = loadConfig({ env, cwd: '/nowhere' });
  expect(config.upstream_uri).toBe('http://mlflow:5000');
  expect(warnings).toEqual([]);
});

test('the image has the commands of bin on the path', () => {
  const text = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
  const commands = readdirSync(new URL('../bin', import.meta.url));
  expect(commands.toSorted()).toEqual(['mlflow-auth-client', 'mlflow-auth-gateway']);
  const linked = commands.map((name) => `/app/bin/${name}`).join(' ');
  expect(text('Dockerfile')).toContain(`COPY bin ./bin\nRUN ln -s ${linked} /usr/local/bin/\n`);
  expect(text('.dockerignore').split('\n')).toContain('!bin');
});
