import type { Write } from './write.ts';

/** Tables of what a user signs in with, a row each. */
type Credentials = 'sessions' | 'tokens';

/** @returns false if there is no such credential. */
export const removeCredential = (write: Write, from: Credentials, id: string): Promise<boolean> =>
  write(async (transaction, announce) => {
    const row = await transaction
      .deleteFrom(from)
      .where('id', '=', id)
      .returning('user_id')
      .executeTakeFirst();
    if (row !== undefined) {
      announce(row.user_id);
    }
    return row !== undefined;
  });

/** Notes when credentials were last used, unless that is known to within `everyMs`. */
export const noteUses = (
  write: Write,
  of: Credentials,
  uses: ReadonlyMap<string, number>,
  everyMs: number,
): Promise<void> =>
  write(async (transaction) => {
    for (const [id, at] of uses) {
      await transaction
        .updateTable(of)
        .set({ last_used_at: at })
        .where('id', '=', id)
        .where((where) =>
          where.or([where('last_used_at', 'is', null), where('last_used_at', '<=', at - everyMs)]),
        )
        .execute();
    }
  });
