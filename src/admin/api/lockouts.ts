import { invalid } from '../../errors.ts';
import { clientNetwork } from '../../identity/client-network.ts';
import type { limitsOf } from '../../identity/throttle.ts';
import type { Reply } from '../../reply.ts';
import type { Failures, Throttles } from '../../store/throttles.ts';
import { ofCredentials } from '../contract/credentials.ts';
import { type Call, DONE } from '../handler.ts';
import { pageAskedIn, pageOf } from './paging.ts';
import { bodyOf } from './parameters.ts';

/** Who is locked out for too many failed sign-ins, and how an admin lets them in again. */
export function lockoutHandlers(throttles: Pick<Throttles, 'locked'>, limits: ReturnType<typeof limitsOf>) {
  return {
    async 'lockouts.list'(call: Call): Promise<Reply> {
      const page = pageAskedIn(call, 'string', 'string');
      const [username, ip] = page.after ?? [];
      const after = page.after && { username: String(username), ip: String(ip) };
      const rows = await throttles.locked(limits, { after, max: page.max + 1 });
      const { shown, next } = pageOf(rows, page, (row) => [row.username ?? '', row.ip ?? '']);
      return { body: { lockouts: shown.map(lockoutJson), ...next } };
    },

    async 'lockouts.delete'(call: Call): Promise<Reply> {
      const body = bodyOf(call, ofCredentials['lockouts.delete'].body);
      const username = body.username ?? undefined;
      const ip = body.ip ?? undefined;
      if (username === undefined && ip === undefined) {
        throw invalid("One of 'username' and 'ip' must be given.");
      }
      const network = ip === undefined ? undefined : clientNetwork(ip);
      if (ip !== undefined && network === undefined) {
        throw invalid("Invalid value for parameter 'ip': it must be an IP address.");
      }
      await call.changing.throttles.clear({
        ...(username !== undefined && { username }),
        ...(network !== undefined && { ip: network }),
      });
      return DONE;
    },
  };
}

function lockoutJson({ username, ip, failures, until }: Failures) {
  return { username: username ?? null, ip: ip ?? null, failures, until };
}
