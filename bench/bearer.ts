import { basic } from './population.ts';

/** The header of a token that a user makes for itself. */
export async function bearer(origin: string, username: string): Promise<{ authorization: string }> {
  const answer = await fetch(`${origin}/api/2.0/mlflow/users/tokens/create`, {
    method: 'POST',
    headers: { ...basic(username), 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench' }),
  });
  const { secret } = (await answer.json()) as { secret: string };
  return { authorization: `Bearer ${secret}` };
}
