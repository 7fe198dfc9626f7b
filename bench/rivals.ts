import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, ROOT, startChild } from './children.ts';

const HTTP_PROXY = 'bench/rivals/http-proxy';

/**
 * Starts nothing but @fastify/http-proxy, as its registry gives it: from a folder and a lock file of its own, with the
 * undici that it asks for.
 *
 * @param upstream - an address, or the path of a socket.
 */
export function startHttpProxy(upstream: string, execArgv: string[] = []): Promise<Child> {
  const folder = join(ROOT, HTTP_PROXY);
  if (!existsSync(join(folder, 'node_modules'))) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
  }
  return startChild(`${HTTP_PROXY}/proxy.js`, [upstream], { execArgv });
}
