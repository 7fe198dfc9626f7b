import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store } from '../../src/store/index.ts';
import type { User } from '../../src/store/types.ts';

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'store-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** The URI of a database that goes with the test. */
export function temporaryUri(): string {
  return `sqlite:///${join(temporaryDirectory(), 'gateway.db')}`;
}

/** A store that is closed with the test. Its clock advances by a millisecond each time it is read. */
export async function open(uri: string = temporaryUri()): Promise<Store> {
  let now = 1_000;
  const store = await openStore(uri, { clock: () => now++ });
  onTestFinished(() => store.close());
  return store;
}

/** A user with nothing but a name. */
export function addUser(store: Store, username: string, isAdmin = false): Promise<User> {
  return store.users.create({ username, passwordHash: `hash of ${username}`, isAdmin });
}

/** The user of this id, if there is one. */
export async function userById(store: Store, id: number): Promise<User | undefined> {
  return (await store.users.list()).find((user) => user.id === id);
}
