import { hashSync } from 'bcryptjs';
import Sqlite from 'better-sqlite3';
import { openStore } from '../src/store/index.ts';

export const PASSWORD = 'every user of the benchmark has it';

/** Who is in a store: users `user-0` … and the administrator `admin`, all with {@link PASSWORD}. */
export interface Population {
  readonly users: number;
  /** In all, spread evenly: the same number for each user, on experiments 1, 2, … */
  readonly grants: number;
  /** Names of registered models that every user may edit as well. */
  readonly models?: readonly string[];
  /** Experiments that every user may edit as well. */
  readonly experiments?: readonly string[];
  /** The cost of every hash, as a power of two; that of the gateway, or it would hash anew. */
  readonly rounds: number;
}

/** Makes a store with the gateway's own schema, and fills it past the gateway, a million rows in seconds. */
export async function populate(
  file: string,
  { users, grants, models = [], experiments = [], rounds }: Population,
): Promise<void> {
  const store = await openStore(`sqlite:///${file}`, { clock: Date.now });
  await store.users.create({ username: 'admin', passwordHash: hashSync(PASSWORD, rounds), isAdmin: true });
  await store.close();
  const db = new Sqlite(file);
  const hash = hashSync(PASSWORD, rounds);
  const user = db.prepare(
    'insert into users (username, username_key, password_hash, is_admin, created_at) values (?, ?, ?, 0, 1) returning id',
  );
  const grant = db.prepare(
    "insert into grants (user_id, resource_type, resource_pattern, permission, created_at) values (?, ?, ?, 'EDIT', 1)",
  );
  const fill = db.transaction(() => {
    for (let index = 0; index < users; index += 1) {
      const name = `user-${index}`;
      const { id } = user.get(name, name, hash) as { id: number };
      for (let each = 0; each < grants / users; each += 1) {
        grant.run(id, 'experiment', String(each + 1));
      }
      for (const experiment of experiments) {
        grant.run(id, 'experiment', experiment);
      }
      for (const model of models) {
        grant.run(id, 'registered_model', model);
      }
    }
  });
  fill();
  db.close();
}

/** The header that signs a user in. */
export function basic(username: string, password = PASSWORD): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
