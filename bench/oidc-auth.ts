import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isMarked, mark } from '../scripts/lib/marker.mjs';
import { upstreamEnvironment } from '../src/cli/start/upstream-environment.ts';
import { ROOT } from './children.ts';
import { type App, pythonOf } from './mlflow.ts';

const FOLDER = join(ROOT, 'bench/rivals/mlflow-oidc-auth');
/** 3.x. It asks for 3.11, where 11.0.2 does not start: a default of its dataclasses has no hash there. */
const OLDEST_PYTHON = 12;
/** The newest that its requirements are there for as binary packages. */
const NEWEST_PYTHON = 14;

/** What MLflow runs as mlflow-oidc-auth, with a user in its database. */
export interface OidcAuth {
  readonly app: App;
  /** That of its environment, whose MLflow runs without it too. */
  readonly python: string;
  /** The version of that Python, where it is not the stock MLflow's. */
  readonly otherPython: string | undefined;
  /** What the user presents as a password. */
  readonly token: string;
}

/**
 * Installs mlflow-oidc-auth, as its registry gives it, with an MLflow of the same version as the stock one that it is
 * measured beside, and on the same Python if it runs there. Makes a user who may edit some experiments. All settings are its
 * defaults but for its secret key and where its database is; whoever presents an access token needs no identity provider.
 *
 * @param dir - takes its database.
 * @param note - is told why, where it cannot be had.
 * @returns undefined where it cannot be had.
 */
export function prepareOidcAuth(
  dir: string,
  username: string,
  experiments: readonly string[],
  note: (sentence: string) => void,
): OidcAuth | undefined {
  const stock = pythonOf('3.17.2');
  const base = [stock, ...pythons()].find((python) => runsOn(minorOf(python)));
  if (base === undefined) {
    note(`mlflow-oidc-auth runs on Python 3.${OLDEST_PYTHON} and newer, and none is there: left it out.`);
    return undefined;
  }
  const python = install(base);
  if (python === undefined) {
    note('pip could not install mlflow-oidc-auth, and says above why: left it out.');
    return undefined;
  }
  mkdirSync(dir, { recursive: true });
  const env = {
    OIDC_USERS_DB_URI: `sqlite:///${join(dir, 'auth.db')}`,
    SECRET_KEY: 'only for the benchmark',
    // It would read a .env in any folder above its own, the gateway's among them.
    PYTHON_DOTENV_DISABLED: '1',
  };
  const printed = execFileSync(python, [join(FOLDER, 'people.py'), username, ...experiments], {
    cwd: dir,
    env: { ...upstreamEnvironment(process.env), ...env },
    // It tells of each step of its database on standard error, which is in the message if it fails.
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  return {
    app: { name: 'oidc-auth', env },
    python,
    otherPython: base === stock ? undefined : `3.${minorOf(python)}`,
    token: printed.trim(),
  };
}

/** Pythons other than the stock MLflow's: on the path, or of pyenv, whose commands answer only for versions switched on. */
function pythons(): string[] {
  const names = Array.from(
    { length: NEWEST_PYTHON - OLDEST_PYTHON + 1 },
    (_, index) => OLDEST_PYTHON + index,
  );
  const versions = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  return [
    ...names.map((minor) => `python3.${minor}`),
    ...names.flatMap((minor) => globSync(join(versions, `3.${minor}.*`, 'bin/python'))),
  ];
}

function runsOn(minor: number | undefined): boolean {
  return minor !== undefined && minor >= OLDEST_PYTHON && minor <= NEWEST_PYTHON;
}

/** The x of its 3.x; undefined if it does not run, or cannot make environments, as Debian's without a further package. */
function minorOf(python: string): number | undefined {
  const probe = 'import ensurepip, sys, venv; print(sys.version_info[1])';
  try {
    return Number(
      execFileSync(python, ['-c', probe], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return undefined;
  }
}

/** Answers its interpreter; undefined if pip fails. */
function install(base: string): string | undefined {
  const home = join(FOLDER, '.venv');
  const python = join(home, 'bin/python');
  const marker = join(home, '.complete');
  const requirements = join(FOLDER, 'requirements.txt');
  const wanted = `Python 3.${minorOf(base)}\n${readFileSync(requirements, 'utf8')}`;
  // The interpreter is a link, which dangles once the system's Python was replaced.
  if (isMarked(marker, wanted) && existsSync(python)) {
    return python;
  }
  // To standard error: the tables on standard output are the result.
  console.error('installing mlflow-oidc-auth');
  const flags = ['--quiet', '--disable-pip-version-check', '--no-input'];
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  try {
    rmSync(home, { recursive: true, force: true });
    execFileSync(base, ['-m', 'venv', home], { stdio: [...stdio] });
    execFileSync(python, ['-m', 'pip', 'install', ...flags, '--requirement', requirements], {
      stdio: [...stdio],
    });
  } catch {
    return undefined;
  }
  mark(marker, wanted);
  return python;
}
