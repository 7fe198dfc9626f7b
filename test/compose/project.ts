import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** What a deployment is made of, apart from the images. */
const DEPLOYED = ['docker-compose.yaml', '.env.example', 'deploy'];

/** `docker compose`, or the program of its own that older distributions have. */
const COMPOSE = process.env['COMPOSE_TEST_COMMAND'] ?? 'docker compose';
/** More arguments of `docker build`, such as `--network host` where containers have no way to the registries. */
const BUILD = process.env['COMPOSE_TEST_BUILD']?.split(' ').filter(Boolean) ?? [];

/** One deployment on a real Docker daemon, in a folder and under a name of its own. */
export interface Project {
  /** Writes the .env: the example with these values. */
  set(values: Readonly<Record<string, string>>): void;
  compose(...args: readonly string[]): string;
  /** Runs a command in a service's container. */
  exec(service: string, ...command: readonly string[]): string;
  /** Runs a script of deploy/compose in the project's folder. */
  script(name: string, ...args: readonly string[]): string;
  /** Starts everything and waits until the gateway is ready. */
  up(...args: readonly string[]): Promise<void>;
  /** Ends everything and takes the volumes away. */
  down(): void;
  /** Removes the folder. */
  remove(): void;
}

/** Builds the gateway's image under this name, as `docker compose build` would. */
export function buildGateway(tag: string): void {
  docker('build', ...BUILD, '-t', tag, '.');
}

/** Builds the image of an MLflow that speaks to PostgreSQL, as `docker compose build` would. */
export function buildMlflow(version: string): string {
  const tag = `mlflow-postgresql:v${version}`;
  docker(
    ...['build', ...BUILD, '-t', tag, '--build-arg', `MLFLOW_IMAGE=ghcr.io/mlflow/mlflow:v${version}`],
    ...['-f', 'deploy/compose/mlflow-postgresql.Dockerfile', 'deploy/compose'],
  );
  return tag;
}

export function createProject(name: string): Project {
  const dir = mkdtempSync(join(tmpdir(), 'compose-'));
  for (const each of DEPLOYED) {
    cpSync(join(REPOSITORY, each), join(dir, each), { recursive: true });
  }
  const example = readFileSync(join(dir, '.env.example'), 'utf8');
  const [program = '', ...before] = COMPOSE.split(' ');
  const compose = (...args: readonly string[]) => run(program, [...before, ...args], dir);
  return {
    compose,
    set(values) {
      const written = Object.entries({ COMPOSE_PROJECT_NAME: name, ...values }).reduce(
        (text, [key, value]) => `${text.replace(new RegExp(`^#?${key}=.*\n`, 'm'), '')}${key}=${value}\n`,
        example,
      );
      writeFileSync(join(dir, '.env'), written, { mode: 0o600 });
    },
    exec: (service, ...command) => compose('exec', '-T', service, ...command),
    script: (each, ...args) => run(join(dir, 'deploy/compose', each), args, dir, { COMPOSE }),
    async up(...args) {
      compose('up', '-d', ...args);
      const container = compose('ps', '-q', 'gateway').trim();
      await until(() => docker('inspect', '-f', '{{.State.Health.Status}}', container).trim() === 'healthy');
    },
    down() {
      compose('down', '-v', '--remove-orphans');
    },
    remove() {
      rmSync(dir, { recursive: true });
    },
  };
}

export function docker(...args: readonly string[]): string {
  return run('docker', args, REPOSITORY);
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 240_000;
  while (!isSo()) {
    if (performance.now() > deadline) {
      throw new Error('it does not come to be');
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  return execFileSync(program, args, {
    cwd,
    // The newer builder is a program of its own, which not every machine has.
    env: { ...process.env, DOCKER_BUILDKIT: '0', ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
