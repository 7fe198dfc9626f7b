import { z } from 'zod';
import { invalid, notFound } from '../errors.ts';
import type { Store } from '../store/index.ts';
import type { User } from '../store/types.ts';

/**
 * A number as MLflow takes it: JSON's, or decimal digits in a string, as every query has it.
 *
 * @throws ApiError 400 in MLflow's words.
 */
export function integer(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
  throw invalid(`Parameter '${name}' must be an integer. Got: ${asPython(value)}`);
}

/** A parameter that must be sent; {@link integer} reads it. */
export const anything = z.unknown().refine((value) => value !== undefined && value !== null);

/** @throws ApiError 404 in MLflow's words. */
export async function existingUser(store: Store, username: string): Promise<User> {
  const user = await store.users.get(username);
  if (user === undefined) throw notFound(`User with username=${username} not found`);
  return user;
}

/** A value as Python's `repr` shows it, for the few kinds that a request can hold. */
function asPython(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}
