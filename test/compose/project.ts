import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/** `docker compose`, or the program of its own that older distributions have. */
const COMPOSE = process.env['COMPOSE_TEST_COMMAND']?.split(' ') ?? ['docker', 'compose'];
/** More arguments of `docker build`, such as `--network host` where containers have no way to the registries. */
const BUILD = process.env['COMPOSE_TEST_BUILD']?.split(' ').filter(Boolean) ?? [];

/** Files that are started together. */
export interface ProjectOptions {
  readonly name: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One deployment on a real Docker daemon, under a name of its own. */
export interface Project {
  compose(...args: readonly string[]): string;
  /** Runs a command in a service's container. */
  exec(service: string, command: readonly string[], input?: string): string;
  /** Starts everything and waits until the gateway is ready. */
  up(): Promise<void>;
  /** Waits until a service says that it is well. */
  waitFor(service: string): Promise<void>;
  /** Ends everything and takes the volumes away. */
  destroy(): void;
}

/** Builds the images that the compose files name, as `docker compose build` would. */
export function buildImages(): void {
  docker('build', ...BUILD, '-t', 'mlflow-auth-gateway:0.1.0', '.');
  docker(
    ...['build', ...BUILD, '-t', 'mlflow-postgresql:v3.17.2'],
    ...['--build-arg', 'MLFLOW_IMAGE=ghcr.io/mlflow/mlflow:v3.17.2'],
    ...['-f', 'deploy/compose/mlflow-postgresql.Dockerfile', 'deploy/compose'],
  );
}

export function createProject({ name, files, env }: ProjectOptions): Project {
  const dir = mkdtempSync(join(tmpdir(), 'compose-'));
  const envFile = join(dir, 'env');
  writeFileSync(
    envFile,
    Object.entries(env)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
    { mode: 0o600 },
  );
  const [program = '', ...before] = COMPOSE;
  const head = [...before, '-p', name, '--env-file', envFile, ...files.flatMap((file) => ['-f', file])];
  const compose = (...args: readonly string[]) => run(program, [...head, ...args]);
  const waitFor = (service: string) => {
    const container = compose('ps', '-q', service).trim();
    return until(() => docker('inspect', '-f', '{{.State.Health.Status}}', container).trim() === 'healthy');
  };
  return {
    compose,
    exec: (service, command, input) => run(program, [...head, 'exec', '-T', service, ...command], input),
    async up() {
      compose('up', '-d');
      await waitFor('gateway');
    },
    waitFor,
    destroy() {
      compose('down', '-v', '--remove-orphans');
      rmSync(dir, { recursive: true });
    },
  };
}

export function docker(...args: readonly string[]): string {
  return run('docker', args);
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

function run(program: string, args: readonly string[], input?: string): string {
  return execFileSync(program, args, {
    cwd: REPOSITORY,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(input !== undefined && { input }),
  });
}
