import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import type { Measured } from './cpu.ts';
import { freePort } from './gateway.ts';
import { PASSWORD } from './population.ts';

/** Started by root, its worker would be another user, who may not enter the directory of a socket. */
export const AS_ROOT = process.getuid?.() === 0 ? 'user root; ' : '';

/** Whether a program is installed. */
export function isThere(program: string): boolean {
  try {
    execFileSync(program, ['-v'], { stdio: 'ignore', timeout: 5_000 });
    return true;
  } catch (error) {
    // wrk knows no way to ask for its version without failing.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** Another proxy, of a registry other than npm's. */
export interface Rival {
  readonly origin: string;
  readonly measured: readonly Measured[];
  stop(): Promise<void>;
}

/**
 * nginx with one worker and `auth_basic`; undefined where it is not installed. Its hash is bcrypt of the lowest cost, as it
 * hashes on every request.
 *
 * @param upstream - an address, or the path of a socket.
 */
export async function startNginx(dir: string, upstream: string): Promise<Rival | undefined> {
  if (!isThere('nginx')) {
    return undefined;
  }
  const port = await freePort();
  const config = join(dir, `nginx-${port}.conf`);
  const server = upstream.startsWith('/') ? `unix:${upstream}` : new URL(upstream).host;
  writeFileSync(join(dir, 'htpasswd'), `admin:${hashSync(PASSWORD, 4)}\n`);
  writeFileSync(
    config,
    `${AS_ROOT}daemon off; worker_processes 1; pid ${dir}/nginx-${port}.pid; error_log ${dir}/nginx.log;
    events {}
    http {
      access_log ${dir}/nginx-access.log;
      client_body_temp_path ${dir}; proxy_temp_path ${dir};
      fastcgi_temp_path ${dir}; uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
      client_max_body_size 0;
      keepalive_requests 1000000;
      upstream mlflow { server ${server}; keepalive 32; }
      server {
        listen 127.0.0.1:${port};
        auth_basic mlflow; auth_basic_user_file ${dir}/htpasswd;
        location / {
          proxy_pass http://mlflow; proxy_http_version 1.1;
          proxy_set_header Connection ""; proxy_set_header Host localhost;
        }
      }
    }`,
  );
  const child = spawn('nginx', ['-p', dir, '-c', config], { detached: true, stdio: 'ignore' });
  // The listening socket is there once the workers are.
  return rivalOf(child, port, 300);
}

/**
 * A rival that has been started as the leader of a group of processes; undefined where it has not come up.
 *
 * @param waitMs - until it listens; the first requests are warm-up anyway.
 */
export async function rivalOf(child: ChildProcess, port: number, waitMs: number): Promise<Rival | undefined> {
  const { pid } = child;
  if (pid === undefined) {
    return undefined;
  }
  await new Promise((done) => setTimeout(done, waitMs));
  return {
    origin: `http://127.0.0.1:${port}`,
    measured: [{ group: pid }],
    stop: () =>
      new Promise((done) => {
        child.once('exit', () => done());
        process.kill(-pid, 'SIGTERM');
      }),
  };
}
