import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Shot } from './job.ts';
import { AS_ROOT } from './nginx.ts';
import { OPERATIONS, type OperationName } from './operations.ts';

/** The run that is answered. */
const RUN = '00000000000000000000000000000abc';

/**
 * nginx that answers of itself what MLflow would: its version, a run of experiment 1, and `{}` to what is logged.
 *
 * @param listen - `unix:/path/to.sock` or `127.0.0.1:PORT`.
 * @returns what ends it, once it listens: until then, another process may be given its port.
 */
export async function startReadyAnswers(dir: string, listen: string): Promise<() => void> {
  const info = { run_id: RUN, run_uuid: RUN, experiment_id: '1', status: 'RUNNING' };
  const config = join(dir, 'ready.conf');
  writeFileSync(
    config,
    `${AS_ROOT}daemon off; worker_processes 1; pid ${dir}/ready.pid; error_log ${dir}/ready.log;
    events {}
    http {
      access_log off; keepalive_requests 100000000; client_body_temp_path ${dir};
      server {
        listen ${listen};
        default_type application/json;
        location = /counted { stub_status; }
        location = /version { default_type text/plain; return 200 "3.17.2"; }
        location /api/2.0/mlflow/runs/log- { return 200 '{}'; }
        location / { return 200 '${JSON.stringify({ run: { info, data: {} } })}'; }
      }
    }`,
  );
  const child = spawn('nginx', ['-p', dir, '-c', config], { stdio: 'ignore' });
  const [host, port] = listen.split(':');
  const address = host === 'unix' ? { path: port ?? '' } : { host, port: Number(port) };
  while (!(await takes(address))) {
    if (child.exitCode !== null) {
      throw new Error(`nginx does not listen on ${listen}`);
    }
    await setTimeout(10);
  }
  return () => void child.kill();
}

/** Whether anybody takes a connection there. */
function takes(address: NetConnectOpts): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(address, () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

/** Requests that nginx has had (ngx_http_stub_status_module: accepted, handled, requests). */
export async function requestsOf(upstream: string): Promise<number> {
  const text = await (await fetch(`${upstream}/counted`)).text();
  return Number(/^ \d+ \d+ (\d+)/m.exec(text)?.[1]);
}

/** The one request of an operation that wrk sends again and again. */
export function readyShot(operation: OperationName, headers: Shot['headers']): Shot {
  const [shot, ...others] = OPERATIONS[operation]({ experimentId: '1', runIds: [RUN] }, headers);
  if (shot === undefined || others.length > 0) {
    throw new Error(`${operation} is not one request`);
  }
  return shot;
}
