import { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { invalid, missingParameter, notFound } from '../../errors.ts';
import { writeExact } from '../../mlflow/read/lossless.ts';
import type { User } from '../../store/types.ts';
import type { Users } from '../../store/users.ts';
import { type ListUsersTo, seesEverybody } from '../deeds/neighbours.ts';
import { type Call, callerOf } from '../handler.ts';

/**
 * Reads parameters from a body.
 *
 * @throws ApiError 400 that names the first parameter that is missing or of another type, in MLflow's words.
 */
export function bodyOf<Shape extends z.ZodRawShape>(call: Call, shape: Shape): z.infer<z.ZodObject<Shape>> {
  return parse(z.object(shape), call.body);
}

/**
 * Reads parameters from the query: all of them strings.
 *
 * @throws ApiError 400 that names the first parameter that is missing, in MLflow's words.
 */
export function queryOf<Shape extends z.ZodRawShape>(call: Call, shape: Shape): z.infer<z.ZodObject<Shape>> {
  return parse(z.object(shape), Object.fromEntries([...call.query].map(([name, [value]]) => [name, value])));
}

/**
 * Reads filters from the query. A name that is not known is refused: a mistyped filter must not show everything.
 *
 * @throws ApiError 400 for such a name too.
 */
export function filtersOf<Shape extends z.ZodRawShape>(
  call: Call,
  shape: Shape,
): z.infer<z.ZodObject<Shape>> {
  const unknown = [...call.query.keys()].find((name) => !(name in shape));
  if (unknown !== undefined) {
    throw invalid(`There is no parameter '${unknown}', only ${Object.keys(shape).join(', ')}.`);
  }
  return queryOf(call, shape);
}

function parse<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  value: Readonly<Record<string, unknown>>,
): z.infer<z.ZodObject<Shape>> {
  const result = schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  const given = value[String(issue?.path[0])];
  if (given === undefined || given === null) {
    throw missingParameter(name);
  }
  throw invalid(`Invalid value for parameter '${name}': ${issue?.message ?? 'it cannot be read'}.`);
}

/**
 * A number as MLflow takes it: JSON's, or decimal digits in a string, as every query has it.
 *
 * @throws ApiError 400 in MLflow's words.
 */
export function integer(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    return value;
  }
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) {
    return Number(value);
  }
  throw invalid(`Parameter '${name}' must be an integer. Got: ${asPython(value)}`);
}

/** @throws ApiError 404 in MLflow's words. */
export async function existingUser(users: Pick<Users, 'get'>, username: string): Promise<User> {
  const user = await users.get(username);
  if (user === undefined) {
    throw notFound(`User with username=${username} not found`);
  }
  return user;
}

/**
 * The user whose grants a caller asks about; undefined for a name of nobody where the caller may not know who there is: the
 * answer is then that of a user who holds nothing.
 *
 * @throws ApiError 404 as {@link existingUser} where the caller may know.
 */
export async function userToMeet(
  { store, listUsersTo }: Meeting,
  call: Call,
  username: string,
): Promise<User | undefined> {
  return seesEverybody(listUsersTo, callerOf(call))
    ? existingUser(store.users, username)
    : store.users.get(username);
}

/** What says whether a caller may know that a user is there. */
export interface Meeting {
  readonly store: ReadingStore;
  readonly listUsersTo: ListUsersTo;
}

/** A value as Python's `repr` shows it, for the few kinds that a request can hold. */
function asPython(value: unknown): string {
  if (typeof value === 'string') {
    return `'${value}'`;
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  return writeExact(value);
}
