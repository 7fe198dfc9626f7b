import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { patternProblem, permissionNamed, permissionProblem } from '../../policy/grantable.ts';
import type { Permission } from '../../policy/permissions.ts';
import { PART_KINDS, ROOT_KINDS } from '../../policy/resources.ts';

/** One grant as the file says it: on an experiment by its name, on anything else by its id. */
export interface DeclaredGrant {
  readonly type: string;
  /** A name of an experiment, an id of anything, or `*`. */
  readonly named: string;
  /** `experiment_id` was written. */
  readonly isId: boolean;
  readonly permission: Permission;
}

export interface DeclaredUser {
  readonly admin: boolean | undefined;
  readonly service: boolean;
}

export interface DeclaredRole {
  readonly description: string | undefined;
  readonly members: readonly string[];
  readonly grants: readonly DeclaredGrant[];
}

/** Who is to have access to what. A section that is left out says nothing. */
export interface Access {
  readonly users: ReadonlyMap<string, DeclaredUser> | undefined;
  readonly roles: ReadonlyMap<string, DeclaredRole> | undefined;
  readonly grants: ReadonlyMap<string, readonly DeclaredGrant[]> | undefined;
}

/** Every scalar is text: `no` is a name, and `0123` an id that begins with a zero. */
const yesOrNo = z.enum(['true', 'false'], { error: 'write true or false' });
const text = z.string({ error: 'write text' });
/** What has nothing behind its colon. */
const nothing = z.literal('').transform(() => ({}));

const TYPES = [...ROOT_KINDS, ...PART_KINDS, 'experiment_id'] as const;

/** MLflow's classic API has a refusal of its own, which stays what it is. */
const problemOf = (permission: string, type: string): string | undefined =>
  permission === 'NO_PERMISSIONS' && type !== 'workspace' ? undefined : permissionProblem(permission, type);

const grant = z
  .strictObject(
    { permission: text, ...Object.fromEntries(TYPES.map((type) => [type, text.optional()])) },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' ? `there is no ${issue.keys.join(', ')}` : undefined,
    },
  )
  .transform((written, context): DeclaredGrant => {
    const { permission: name, ...targets } = written as Readonly<Record<string, string | undefined>>;
    const named = Object.entries(targets).filter(([, id]) => id !== undefined);
    const [[key, id = ''] = ['', '']] = named;
    const type = key === 'experiment_id' ? 'experiment' : key;
    const problem =
      named.length === 1
        ? (problemOf(name ?? '', type) ?? patternProblem(type, id))
        : 'name one thing, such as experiment: NAME';
    const permission = permissionNamed(name ?? '');
    if (problem !== undefined || permission === undefined) {
      context.addIssue({ code: 'custom', message: problem ?? 'there is no such permission' });
      return z.NEVER;
    }
    return {
      type,
      named: id,
      isId: type !== 'experiment' || key === 'experiment_id' || id === '*',
      permission,
    };
  });

const grants = z.array(grant, { error: 'write a list, each beginning with a dash' });

const file = z.strictObject(
  {
    users: z
      .record(text, nothing.or(z.strictObject({ admin: yesOrNo.optional(), service: yesOrNo.optional() })))
      .optional(),
    roles: z
      .record(
        text,
        nothing.or(
          z.strictObject({
            description: text.optional(),
            members: z.array(text).optional(),
            grants: grants.optional(),
          }),
        ),
      )
      .optional(),
    grants: z.record(text, nothing.transform(() => []).or(grants)).optional(),
  },
  { error: 'write the sections users, roles and grants' },
);

/**
 * Reads the file.
 *
 * @throws Error that names every problem, each with its place.
 */
export function readAccess(source: string): Access {
  const document = parseDocument(source, { schema: 'failsafe', uniqueKeys: true, strict: true });
  if (document.errors.length > 0) {
    throw new Error(listed(document.errors.map(({ message }) => message.split('\n')[0] ?? '')));
  }
  // No aliases: a few lines could stand for more than fits into memory.
  const parsed = file.safeParse(toJs(document) || {});
  if (!parsed.success) {
    throw new Error(listed(parsed.error.issues.flatMap(flatten)));
  }
  const { users, roles, grants: ofUsers } = parsed.data;
  return {
    users: mapped(users, (user) => {
      const { admin, service } = user as { admin?: string; service?: string };
      return { admin: admin === undefined ? undefined : admin === 'true', service: service === 'true' };
    }),
    roles: mapped(roles, (role) => {
      const { description, members, grants: held } = role as Partial<DeclaredRole>;
      return { description, members: members ?? [], grants: held ?? [] };
    }),
    grants: mapped(ofUsers, (held) => held as readonly DeclaredGrant[]),
  };
}

function toJs(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new Error('aliases (*name) are not taken: write it out');
  }
}

function mapped<From, To>(
  record: Readonly<Record<string, From>> | undefined,
  make: (from: From) => To,
): ReadonlyMap<string, To> | undefined {
  return record === undefined
    ? undefined
    : new Map(Object.entries(record).map(([name, value]) => [name, make(value)]));
}

/** The problems of a part of the file that may be written in several ways: those of the way that it comes closest to. */
function flatten(
  issue: z.core.$ZodIssue,
  _index: number,
  _all: unknown,
  before: readonly PropertyKey[] = [],
): string[] {
  const path = [...before, ...issue.path];
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.toSorted((one, other) => depthOf(other) - depthOf(one))[0] ?? [];
    return deepest.flatMap((each) => flatten(each, 0, undefined, path));
  }
  return [`${path.map(String).join('.') || 'the file'}: ${issue.message}`];
}

const depthOf = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(...issues.map(({ path }) => path.length));

const listed = (problems: readonly string[]): string => problems.map((each) => `- ${each}`).join('\n');

/** Writes the file. */
export function writeAccess(access: object): string {
  return stringify(access, { lineWidth: 0, defaultStringType: 'PLAIN' });
}
