import { principalOf } from '../identity/accounts.ts';
import { decide, type Need, readNeed } from '../policy/decide.ts';
import { ACTIONS, explain } from '../policy/explain.ts';
import { isRootKind } from '../policy/grantable.ts';
import { type Action, PERMISSION_FOR, type Permission, refuses } from '../policy/permissions.ts';
import type { AuditEntry } from '../store/audit/index.ts';
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
      const refusals = await collect(store, from);
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

/** What one user lacked on one thing, or was let do though nothing that is granted allows it. */
interface Refusal {
  readonly username: string;
  readonly need: Need | undefined;
  readonly because: string;
  readonly operations: Set<string>;
  count: number;
  last: number;
}

const PAGE = 1000;

async function collect({ audit }: Store, since: number | undefined): Promise<readonly Refusal[]> {
  const refusals = new Map<string, Refusal>();
  let before: string | undefined;
  do {
    const page = await audit.search({ allowed: false, since }, PAGE, before);
    for (const entry of page) {
      if (!entry.enforced && entry.username !== null) {
        note(refusals, entry, entry.username);
      }
    }
    before = page.length === PAGE ? page.at(-1)?.id : undefined;
  } while (before !== undefined);
  return [...refusals.values()].toSorted(
    (one, other) => compare(one.username, other.username) || compare(labelOf(one), labelOf(other)),
  );
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function note(refusals: Map<string, Refusal>, entry: AuditEntry, username: string): void {
  const need = readNeed(entry.because, entry.resources);
  const key = JSON.stringify([username, need ?? entry.because]);
  const refusal = refusals.get(key) ?? {
    username,
    need,
    because: entry.because,
    operations: new Set<string>(),
    count: 0,
    last: entry.at,
  };
  refusals.set(key, refusal);
  refusal.count += 1;
  refusal.last = Math.max(refusal.last, entry.at);
  refusal.operations.add(entry.operation ?? `${entry.method} ${entry.path}`);
}

const labelOf = ({ need, because }: Refusal): string =>
  need === undefined ? `~${because}` : `${need.type} ${need.id} ${need.permission}`;

async function* render(
  store: Store,
  refusals: readonly Refusal[],
  defaultPermission: Permission,
): AsyncGenerator<string> {
  let isAny = false;
  for (const [username, ofUser] of Map.groupBy(refusals, (each) => each.username)) {
    const account = await store.account(username);
    const lines = ofUser.flatMap((refusal) => {
      const advice =
        account === undefined
          ? ['# there is no such user any more']
          : adviceOn(refusal, account, defaultPermission);
      return advice === undefined ? [] : [headOf(refusal), ...advice];
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

type Account = NonNullable<Awaited<ReturnType<Store['account']>>>;

/** What would allow it; undefined if it is allowed by now. */
function adviceOn(
  { username, need }: { readonly username: string; readonly need: Need | undefined },
  account: Account,
  defaultPermission: Permission,
): readonly string[] | undefined {
  if (need === undefined) {
    return ['#   no grant allows that: an admin may do it, or the client is to ask differently'];
  }
  const { type, id, permission } = need;
  const subject = principalOf(account);
  if (isRootKind(type)) {
    const action = actionFor(permission);
    const decisions = ACTIONS.map((each) => decide(subject, each, { kind: type, id }, defaultPermission));
    if (decisions[ACTIONS.indexOf(action)]?.allow === true) {
      return undefined;
    }
    const [refusing] = explain(decisions, defaultPermission).sources.filter(
      ({ source, permission: held }) => source !== 'default' && refuses(held),
    );
    if (refusing !== undefined) {
      const whose = refusing.source === 'role' ? `role ${refusing.name}` : 'the user';
      return [
        `#   ${printable(whose)} holds ${refusing.permission} on ${printable(`${refusing.resourceType} ${refusing.resourcePattern}`)}: that refuses it whatever else is granted`,
      ];
    }
  }
  const own = account.grants.find(
    ({ via, resourceType, resourcePattern }) =>
      via === 'user' && resourceType === type && resourcePattern === id,
  );
  return [
    ...(own === undefined ? [] : [command('revoke', username, type, id)]),
    command('grant', username, type, id, permission),
  ];
}

const actionFor = (permission: Permission): Action =>
  ACTIONS.find((action) => PERMISSION_FOR[action] === permission) ?? 'manage';

/** A line for a shell; a name that begins with a dash is no option. */
function command(name: string, ...words: readonly string[]): string {
  const dashes = words.some((word) => word.startsWith('-')) ? ['--'] : [];
  return ['mlflow-auth-client', name, ...dashes, ...words.map(shellWord)].join(' ');
}
