import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './paths.mjs';
import { run } from './run.mjs';
import { step } from './step.mjs';

/** Where those go that no distribution has. */
export const programsBin = join(root, '.venv', 'programs', 'bin');

/** Debian's packages by what is run of them: proxies in front of the gateway, a database behind MLflow, a check of units. */
const DEBIAN = {
  nginx: 'nginx-light',
  caddy: 'caddy',
  mariadbd: 'mariadb-server-core',
  // mariadb-install-db calls it, and no package of the server brings it or asks for it.
  my_print_defaults: 'mariadb-client-core',
  'systemd-analyze': 'systemd',
};
const HELM = 'helm.sh/helm/v3/cmd/helm@v3.22.0';
const KUBERNETES_VALIDATE = 'kubernetes-validate==1.37.0';

/** Distributions put servers where not everybody's path leads. */
const isThere = (program) =>
  [...process.env.PATH.split(delimiter), '/usr/sbin'].some((folder) => existsSync(join(folder, program)));

/**
 * Installs the programs of others that some tests run, as far as this machine lets it: a test whose program is missing is
 * skipped. For machines that are there for tests: on nobody else's is anything installed system-wide.
 *
 * @param python - the interpreter that an environment is made with.
 */
export async function ensurePrograms(python) {
  const missing = [];
  await step('Installing programs that some tests run', '', async (onLine) => {
    const attempt = async (name, ...steps) => {
      try {
        for (const [command, args, env] of steps) {
          await run(command, args, { onLine, env: { ...process.env, ...env } });
        }
      } catch {
        missing.push(name);
      }
    };
    const packages = Object.keys(DEBIAN).flatMap((program) => (isThere(program) ? [] : DEBIAN[program]));
    if (packages.length > 0) {
      const apt = { DEBIAN_FRONTEND: 'noninteractive' };
      await attempt(
        packages.join(', '),
        ['apt-get', ['update', '-q'], apt],
        ['apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], apt],
      );
    }
    if (!existsSync(join(programsBin, 'kubernetes-validate'))) {
      const home = join(programsBin, '..');
      const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar', 'off'];
      await attempt(
        'kubernetes-validate',
        [python, ['-m', 'venv', home]],
        [join(programsBin, 'python'), [...pip, KUBERNETES_VALIDATE]],
      );
    }
    if (!existsSync(join(programsBin, 'helm'))) {
      await attempt('helm', ['go', ['install', HELM], { GOBIN: programsBin }]);
    }
  });
  if (missing.length > 0) {
    process.stdout.write(`Not to be had here, so tests of it are skipped: ${missing.join('; ')}.\n`);
  }
}
