import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { freePort } from './gateway.ts';
import { isThere, type Rival, rivalOf } from './nginx.ts';
import { PASSWORD } from './population.ts';

/**
 * Caddy with basic authentication, which remembers the hashes that it has checked, and no authorisation; undefined where it
 * is not installed.
 *
 * @param upstream - an address, or the path of a socket.
 */
export async function startCaddy(dir: string, upstream: string): Promise<Rival | undefined> {
  if (!isThere('caddy')) {
    return undefined;
  }
  const port = await freePort();
  const config = join(dir, `caddy-${port}.conf`);
  const to = upstream.startsWith('/') ? `unix/${upstream}` : upstream;
  writeFileSync(
    config,
    `{
      admin off
      auto_https off
      log {
        level ERROR
      }
    }
    http://127.0.0.1:${port} {
      basicauth {
        admin ${Buffer.from(hashSync(PASSWORD, 10)).toString('base64')}
      }
      reverse_proxy ${to} {
        header_up Host localhost
      }
    }
    `,
  );
  const child = spawn('caddy', ['run', '--adapter', 'caddyfile', '--config', config], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, HOME: dir, GOMAXPROCS: '1' },
  });
  return rivalOf(child, port, 700);
}
