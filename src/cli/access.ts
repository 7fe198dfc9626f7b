import { readFileSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { changingIn } from '../audit/changing.ts';
import { recordUnattended } from '../audit/unattended.ts';
import { fileProblem } from '../config/file-problem.ts';
import type { Config } from '../config.ts';
import { createPasswords } from '../identity/password.ts';
import { readUpstreamCa } from '../listening/index.ts';
import { createUpstream } from '../mlflow/upstream/upstream.ts';
import { openStore, type Store } from '../store/index.ts';
import { type Access, type DeclaredGrant, readAccess, writeAccess } from './access/access-file.ts';
import { createExperimentNames, type ExperimentNames } from './access/experiment-names.ts';
import { accessOf } from './access/export-access.ts';
import { applyAccess, type ResolvedGrant } from './access/plan-access.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { requireStore } from './require-store.ts';
import { runCommand } from './run-command.ts';

export interface ApplyOptions {
  /** Say what would be done, and change nothing. */
  readonly dryRun?: boolean;
  /** Take away what the file does not name. */
  readonly prune?: boolean;
}

/**
 * `mlflow-auth-gateway apply FILE`: has users, roles and grants be as a file says, all at once or, where anything of it
 * cannot be, not at all.
 *
 * @returns the exit code.
 */
export function apply(
  file: string,
  { dryRun = false, prune = false }: ApplyOptions,
  io: Io,
): Promise<number> {
  return runCommand(io, async ({ config }) => {
    const access = readAccess(textOf(resolvePath(io.cwd, file)));
    await requireStore(config.database_uri);
    await withParts(config, io, async ({ store, names }) => {
      const resolved = await resolveGrants(access, names);
      const passwords = createPasswords({
        rounds: config.password_rounds,
        minLength: config.min_password_length,
      });
      const record = recordUnattended({
        operation: 'mlflow-auth-gateway apply',
        because: 'a command on the store',
        clock: io.clock,
      });
      try {
        const lines = await atOnce(store, dryRun, (parts) =>
          applyAccess(access, {
            changing: changingIn(parts, record),
            passwords,
            prune,
            resolve: (declared) =>
              resolved.get(`${keyOf(declared)} ${declared.permission}`) ?? missing(declared),
          }),
        );
        io.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''));
        io.stdout.write(summaryOf(lines, dryRun));
      } finally {
        await passwords.close();
      }
    });
    return 0;
  });
}

/**
 * `mlflow-auth-gateway export-access`: the file that would make the store as it is.
 *
 * @returns the exit code.
 */
export function exportAccess(io: Io): Promise<number> {
  return runCommand(io, async ({ config }) => {
    await requireStore(config.database_uri);
    await withParts(config, io, async ({ store, names }) => {
      io.stdout.write(writeAccess(await accessOf(store, names)));
    });
    return 0;
  });
}

/** What a dry run ends its transaction with. */
class DryRun extends Error {
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super('dry run');
    this.lines = lines;
  }
}

/** Does the work in one transaction, which a dry run takes back. */
async function atOnce(
  store: Store,
  dryRun: boolean,
  work: (parts: Parameters<Parameters<Store['atOnce']>[0]>[0]) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    return await store.atOnce(async (parts) => {
      const lines = await work(parts);
      if (dryRun) {
        throw new DryRun(lines);
      }
      return lines;
    });
  } catch (error) {
    if (error instanceof DryRun) {
      return error.lines;
    }
    throw error;
  }
}

function summaryOf(lines: readonly string[], dryRun: boolean): string {
  if (lines.length === 0) {
    return 'Everything is as the file says.\n';
  }
  const isUserNew = lines.some((line) => line.startsWith('+ user '));
  const password = isUserNew
    ? 'Users who were created have no password yet: mlflow-auth-client update-user-password NAME\n'
    : '';
  return dryRun ? 'Nothing was changed (--dry-run).\n' : `${lines.length} changes were made.\n${password}`;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read: ${fileProblem(error, 'read')}.`);
  }
}

const keyOf = ({ type, named, isId }: DeclaredGrant): string => JSON.stringify([type, named, isId]);

/** Every thing of the file by its id. MLflow is asked before the transaction, which nobody else can write beside. */
async function resolveGrants(
  { roles, grants }: Access,
  names: ExperimentNames,
): Promise<ReadonlyMap<string, ResolvedGrant>> {
  const declared = [
    ...[...(roles?.values() ?? [])].flatMap((role) => role.grants),
    ...[...(grants?.values() ?? [])].flat(),
  ];
  const ids = new Map<string, string>();
  const unknown: string[] = [];
  for (const name of new Set(declared.filter(({ isId }) => !isId).map(({ named }) => named))) {
    const id = await names.idOf(name);
    if (id === undefined) {
      unknown.push(`- there is no experiment ${JSON.stringify(name)}`);
    } else {
      ids.set(name, id);
    }
  }
  if (unknown.length > 0) {
    throw new Error(unknown.join('\n'));
  }
  return new Map(
    declared.map((each) => {
      const id = each.isId ? each.named : (ids.get(each.named) ?? '');
      const shown = each.isId ? `${each.type} ${id}` : `${each.type} ${each.named} (${id})`;
      return [
        `${keyOf(each)} ${each.permission}`,
        { type: each.type, id, shown, permission: each.permission },
      ];
    }),
  );
}

function missing({ type, named }: DeclaredGrant): never {
  throw new Error(`${type} ${named} was not resolved`);
}

async function withParts(
  config: Config,
  { clock }: Io,
  work: (parts: { readonly store: Store; readonly names: ExperimentNames }) => Promise<void>,
): Promise<void> {
  const upstream = createUpstream({
    uri: config.upstream_uri,
    host: config.upstream_host,
    staticPrefix: config.static_prefix,
    ca: readUpstreamCa(config),
    timeoutSeconds: config.upstream_timeout_seconds,
    connections: 1,
    clock,
  });
  try {
    const store = await openStore(config.database_uri, { clock });
    try {
      await work({ store, names: createExperimentNames(upstream) });
    } finally {
      await store.close();
    }
  } finally {
    await upstream.close();
  }
}
