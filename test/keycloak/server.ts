import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.ts';

const VERSION = '26.7.3';
const ARTIFACT = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
const ADMIN = { username: 'admin', password: 'admin-of-keycloak' } as const;

/** A Keycloak of the test's own, or the one at KEYCLOAK_URL, whose admin is `admin` with KEYCLOAK_ADMIN_PASSWORD. */
export interface Keycloak {
  readonly url: string;
  /** Sends a request to its admin API, below `/admin/realms`. */
  manage(method: string, path: string, json?: unknown): Promise<Response>;
  close(): Promise<void>;
}

/** Fetches it by Maven, which with Java 17 must be there, and starts it, which takes one to three minutes. */
export async function startKeycloak(): Promise<Keycloak> {
  const there = process.env['KEYCLOAK_URL'];
  if (there !== undefined) {
    return keycloakAt(there, process.env['KEYCLOAK_ADMIN_PASSWORD'] ?? ADMIN.password, async () => undefined);
  }
  const run = promisify(execFile);
  const dir = mkdtempSync(join(tmpdir(), 'keycloak-'));
  await run('mvn', ['-q', '-B', 'dependency:unpack', `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${dir}`]);
  const port = await freePort();
  const child = spawn(
    join(dir, `keycloak-${VERSION}`, 'bin', 'kc.sh'),
    ['start-dev', `--http-port=${port}`, '--http-host=127.0.0.1'],
    {
      stdio: 'ignore',
      // A group of its own, as the script starts Java as a child.
      detached: true,
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
      },
    },
  );
  const url = `http://127.0.0.1:${port}`;
  const close = async () => {
    if (child.pid !== undefined && child.exitCode === null) {
      process.kill(-child.pid, 'SIGKILL');
    }
    rmSync(dir, { recursive: true, force: true });
  };
  await answers(url).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return keycloakAt(url, ADMIN.password, close);
}

const START_MS = 300_000;

async function answers(url: string): Promise<void> {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    const answer = await fetch(`${url}/realms/master`).catch(() => undefined);
    if (answer?.status === 200) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error('Keycloak does not answer');
}

function keycloakAt(url: string, password: string, close: () => Promise<void>): Keycloak {
  return {
    url,
    close,
    async manage(method, path, json) {
      const token = await tokenOf(url, 'master', {
        ...{ grant_type: 'password', client_id: 'admin-cli', username: ADMIN.username, password },
      });
      const answer = await fetch(`${url}/admin/realms${path}`, {
        method,
        headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      });
      if (!answer.ok) {
        throw new Error(`${method} ${path} gives ${answer.status} ${await answer.text()}`);
      }
      return answer;
    },
  };
}

/** Asks the token endpoint of a realm. */
export async function tokenOf(
  url: string,
  realm: string,
  sent: Readonly<Record<string, string>>,
): Promise<{ readonly access_token: string; readonly id_token?: string }> {
  const answer = await fetch(`${url}/realms/${realm}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(sent),
  });
  if (!answer.ok) {
    throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  }
  return (await answer.json()) as { access_token: string; id_token?: string };
}
