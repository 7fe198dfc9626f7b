import { z } from 'zod';
import { ownerOfRole } from '../../policy/own-role.ts';
import { readTables, type Tables } from '../../store/files/read-tables.ts';

/** A user as MLflow's own auth app keeps it; nothing of it is checked yet. */
export interface SourceUser {
  readonly id: number;
  readonly username: string | null;
  /** Werkzeug's `method$salt$hex`. */
  readonly passwordHash: string | null;
  readonly isAdmin: boolean;
}

export interface SourceGrant {
  readonly type: string;
  readonly pattern: string;
  readonly permission: string;
  readonly workspace: string;
}

export interface SourceRole {
  readonly name: string;
  readonly workspace: string;
  readonly description: string | null;
  readonly grants: readonly SourceGrant[];
  /** Ids of users, who may be gone. */
  readonly members: readonly number[];
}

/** What a `basic_auth.db` says, as of one moment. */
export interface BasicAuth {
  readonly users: readonly SourceUser[];
  /** Users' own grants, by the id of a user who may be gone. */
  readonly grants: readonly (SourceGrant & { readonly userId: number })[];
  readonly roles: readonly SourceRole[];
  /** Whether the pattern `*` stands for all of a kind; before there were roles it was a name like any other. */
  readonly wildcards: boolean;
  /** Tables with rows whose meaning has no place here. */
  readonly leftTables: readonly { readonly table: string; readonly rows: number; readonly why: string }[];
}

/** Every workspace-less table belongs to this one. */
const DEFAULT_WORKSPACE = 'default';

/** The tables of grants before there were roles, each named by its columns. */
const TABLES = [
  { table: 'experiment_permissions', type: 'experiment', columns: ['experiment_id'] },
  { table: 'registered_model_permissions', type: 'registered_model', columns: ['name'] },
  { table: 'scorer_permissions', type: 'scorer', columns: ['experiment_id', 'scorer_name'] },
  { table: 'gateway_secret_permissions', type: 'gateway_secret', columns: ['secret_id'] },
  { table: 'gateway_endpoint_permissions', type: 'gateway_endpoint', columns: ['endpoint_id'] },
  {
    table: 'gateway_model_definition_permissions',
    type: 'gateway_model_definition',
    columns: ['model_definition_id'],
  },
] as const;

const LEFT_TABLES = [{ table: 'workspace_permissions', why: 'whole workspaces: grant them anew' }] as const;

const text = z.string().nullable();
const USER = z.object({
  id: z.int(),
  username: text,
  password_hash: text,
  is_admin: z.int().nullable(),
});
const ROLE = z.object({ id: z.int(), name: z.string(), workspace: z.string(), description: text });
const ROLE_PERMISSION = z.object({
  role_id: z.int(),
  resource_type: z.string(),
  resource_pattern: z.string(),
  permission: z.string(),
});
const ASSIGNMENT = z.object({ user_id: z.int(), role_id: z.int() });
const GRANT = z
  .object({ user_id: z.int(), permission: text, workspace: z.string().default(DEFAULT_WORKSPACE) })
  .loose();

/**
 * Reads the database of MLflow's own auth app, 2.15.1 to 3.17.2, also while that runs: the file is opened to be
 * read, and read as of one moment.
 *
 * @throws Error with one sentence if it cannot be read or is something else.
 * @see mlflow/server/auth/db/models.py and the migrations beside it
 */
export function readBasicAuth(file: string): BasicAuth {
  try {
    return readTables(file, (tables) => read(tables, file));
  } catch (error) {
    if (error instanceof z.ZodError) {
      throw new Error(`${file} has a row that MLflow would not have written (${at(error)}).`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Reads all rows of a table; none if there is no such table. */
type RowsOf = <T>(table: string, shape: z.ZodType<T>) => T[];

function read(tables: Tables, file: string): BasicAuth {
  if (tables.has('kysely_migration')) {
    throw new Error(`${file} is a store of this gateway already. Name it in database_uri to use it.`);
  }
  const alembic = tables.has('alembic_version') || tables.has('alembic_version_auth');
  if (!alembic || !tables.has('users') || !(tables.has('roles') || tables.has('experiment_permissions'))) {
    throw new Error(`${file} is not a basic_auth.db of MLflow.`);
  }
  const rowsOf: RowsOf = (table, shape) =>
    tables.has(table) ? z.array(shape).parse(tables.rows(table)) : [];
  const users = readUsers(rowsOf);
  // Where there are roles the older tables are still filled, but MLflow stopped writing and reading them.
  return tables.has('roles')
    ? { users, ...withOwnGrants(readRoles(rowsOf)), wildcards: true, leftTables: [] }
    : { users, grants: readGrants(rowsOf), roles: [], wildcards: false, leftTables: readLeftTables(rowsOf) };
}

function readUsers(rowsOf: RowsOf): readonly SourceUser[] {
  return rowsOf('users', USER)
    .sort((a, b) => a.id - b.id)
    .map(({ id, username, password_hash: passwordHash, is_admin: isAdmin }) => ({
      id,
      username,
      passwordHash,
      isAdmin: isAdmin === 1,
    }));
}

function readRoles(rowsOf: RowsOf): readonly SourceRole[] {
  const grants = Map.groupBy(rowsOf('role_permissions', ROLE_PERMISSION), (row) => row.role_id);
  const members = Map.groupBy(rowsOf('user_role_assignments', ASSIGNMENT), (row) => row.role_id);
  return rowsOf('roles', ROLE).map(({ id, name, workspace, description }) => ({
    name,
    workspace,
    description,
    grants: (grants.get(id) ?? []).map((row) => ({
      type: row.resource_type,
      pattern: row.resource_pattern,
      permission: row.permission,
      workspace,
    })),
    members: (members.get(id) ?? []).map((row) => row.user_id),
  }));
}

function readGrants(rowsOf: RowsOf): BasicAuth['grants'] {
  return TABLES.flatMap(({ table, type, columns }) =>
    rowsOf(table, GRANT).map((row) => ({
      userId: row.user_id,
      type,
      pattern: patternOf(columns.map((column) => String(row[column] ?? ''))),
      permission: row.permission ?? '',
      workspace: row.workspace,
    })),
  );
}

function readLeftTables(rowsOf: RowsOf): BasicAuth['leftTables'] {
  return LEFT_TABLES.map(({ table, why }) => ({
    table,
    why,
    rows: rowsOf(table, z.unknown()).length,
  })).filter(({ rows }) => rows > 0);
}

/** Takes out the roles that stand for one user each; one of that name that others hold is left among the roles. */
function withOwnGrants(roles: readonly SourceRole[]): Pick<BasicAuth, 'grants' | 'roles'> {
  const grants: (SourceGrant & { userId: number })[] = [];
  const named: SourceRole[] = [];
  for (const role of roles) {
    const userId = ownerOfRole(role.name);
    if (userId !== undefined && role.members.length === 1 && role.members[0] === userId) {
      grants.push(...role.grants.map((grant) => ({ ...grant, userId })));
    } else {
      named.push(role);
    }
  }
  return { grants, roles: named };
}

/**
 * A scorer's grants are on `<experiment id>/<name>`, the name as Python's `quote(name, safe='')` writes it.
 *
 * @see mlflow/server/auth/sqlalchemy_store.py (`_scorer_pattern`)
 */
function patternOf(parts: readonly string[]): string {
  const [id = '', name] = parts;
  return name === undefined ? id : `${id}/${quote(name)}`;
}

function quote(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function at(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'unknown' : `row ${issue.path.join(', ')}`;
}
