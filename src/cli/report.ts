import { type Advice, adviceOn, collectRefusals, type Refusal } from '../admin/deeds/reported.ts';
import type { Permission } from '../policy/permissions.ts';
import { openStore, type Store } from '../store/index.ts';
import { readMoment } from './client/read-moment.ts';
import { time } from './client/shows.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { requireStore } from './require-store.ts';
import { runCommand } from './run-command.ts';
import { shellWord } from './shell-word.ts';

export interface ReportOptions {
  /** From when on, as `--since` of mlflow-auth-client audit. */
  readonly since?: string;
}

/**
 * `mlflow-auth-gateway report`: what would have been refused while `enforcement` was `report`, by user and thing, and the
 * grants that would allow it, as commands to run. What is allowed by now is left out.
 *
 * @returns the exit code.
 */
export function report({ since }: ReportOptions, io: Io): Promise<number> {
  return runCommand(io, async ({ config }) => {
    await requireStore(config.database_uri);
    const from = since === undefined ? undefined : readMoment('--since', since, io.clock());
    const store = await openStore(config.database_uri, { clock: io.clock });
    try {
      const { refusals } = await collectRefusals(store, { since: from });
      if (config.enforcement === 'enforce') {
        io.stdout.write('Permissions are enforced by these settings (enforcement = enforce).\n\n');
      }
      for await (const text of render(store, refusals, config.default_permission)) {
        io.stdout.write(text);
      }
      return 0;
    } finally {
      await store.close();
    }
  });
}

async function* render(
  store: Store,
  refusals: readonly Refusal[],
  defaultPermission: Permission,
): AsyncGenerator<string> {
  let isAny = false;
  for (const [username, ofUser] of Map.groupBy(refusals, (each) => each.username)) {
    const account = await store.account(username);
    const lines = ofUser.flatMap((refusal) => {
      const { workspace } = refusal;
      if (workspace !== store.workspace) {
        return [
          headOf(refusal),
          `#   in the workspace ${printable(workspace)}: /auth/admin/report?workspace=${encodeURIComponent(workspace)} says what would allow it`,
        ];
      }
      const advice = adviceOn(refusal, account, defaultPermission);
      return advice === undefined ? [] : [headOf(refusal), ...linesOn(username, advice)];
    });
    if (lines.length > 0) {
      isAny = true;
      yield `# ${printable(username)}\n${lines.map((line) => `${line}\n`).join('')}\n`;
    }
  }
  if (!isAny) {
    yield '# Nothing would be refused of what was asked, by what is granted now.\n';
  }
}

/** Comments, so that the whole can be run as a script. */
function headOf(refusal: Refusal): string {
  const { need, because, count, operations, last } = refusal;
  const what = need === undefined ? because : `${need.permission} on ${need.type} ${need.id}`;
  const shown = [...operations].slice(0, 3).join(', ');
  const more = operations.size > 3 ? `, and ${operations.size - 3} more` : '';
  const at = time('at')({ at: last });
  return `#   ${printable(what)}: ${count} ${count === 1 ? 'request' : 'requests'}, last ${at} (${printable(shown)}${more})`;
}

/** What would allow it, as comments and commands. */
function linesOn(username: string, advice: Advice): readonly string[] {
  switch (advice.is) {
    case 'gone':
      return ['# there is no such user any more'];
    case 'none':
      return ['#   no grant allows that: an admin may do it, or the client is to ask differently'];
    case 'refused': {
      const { source, name, permission, resourceType, resourcePattern } = advice.by;
      const whose = source === 'role' ? `role ${name}` : 'the user';
      return [
        `#   ${printable(whose)} holds ${permission} on ${printable(`${resourceType} ${resourcePattern}`)}: that refuses it whatever else is granted`,
      ];
    }
    case 'grant': {
      const { type, id, permission } = advice.need;
      return [
        ...(advice.replaces === undefined ? [] : [command('revoke', username, type, id)]),
        command('grant', username, type, id, permission),
      ];
    }
  }
}

/** A line for a shell; a name that begins with a dash is no option. */
function command(name: string, ...words: readonly string[]): string {
  const dashes = words.some((word) => word.startsWith('-')) ? ['--'] : [];
  return ['mlflow-auth-client', name, ...dashes, ...words.map(shellWord)].join(' ');
}
