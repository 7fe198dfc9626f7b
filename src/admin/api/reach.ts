import { z } from 'zod';
import type { ReadingStore } from '../../audit/changing.ts';
import { invalid, notFound } from '../../errors.ts';
import { principalOf } from '../../identity/accounts.ts';
import type { Reply } from '../../reply.ts';
import { ofExplanations } from '../contract/explanations.ts';
import { type Reached, type ReachPage, type ReachParts, type ReachPlace, reachOf } from '../deeds/reach.ts';
import type { Call } from '../handler.ts';
import { explanationJson } from './explain.ts';
import { pageAskedIn } from './paging.ts';
import { filtersOf } from './parameters.ts';

/** What a user reaches, thing by thing and with names, for admins. */
export function reachHandlers(parts: ReachParts & { readonly store: Pick<ReadingStore, 'account'> }) {
  return {
    async 'permissions.reach'(call: Call): Promise<Reply> {
      const asked = filtersOf(call, ofExplanations['permissions.reach'].query);
      const { username, resource_type: kind, contains = '' } = asked;
      const account = await parts.store.account(username);
      if (account === undefined) {
        throw notFound(`User with username=${username} not found`);
      }
      const { max } = pageAskedIn({ ...call, query: withoutToken(call) });
      const place = placeIn(asked.page_token);
      const page: ReachPage = account.user.isActive
        ? await reachOf(parts, principalOf(account), { kind, contains, max, place })
        : { found: [], next: undefined };
      return {
        body: {
          reached: page.found.map((each) => reachedJson(kind, each)),
          ...(page.next !== undefined && { next_page_token: writePlace(page.next) }),
        },
      };
    },
  };
}

const withoutToken = ({ query }: Call): Call['query'] =>
  new Map([...query].filter(([name]) => name !== 'page_token'));

const places = z.union([
  z.strictObject({ by: z.literal('id'), after: z.string() }),
  z.strictObject({ by: z.literal('name'), token: z.string().optional(), skip: z.int().min(0) }),
]);

const writePlace = (place: ReachPlace): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/** @throws ApiError 400 for a token that is of no page. */
function placeIn(token: string | undefined): ReachPlace | undefined {
  if (token === undefined || token === '') {
    return undefined;
  }
  const place = places.safeParse(parsed(Buffer.from(token, 'base64url').toString('utf8'))).data;
  if (place === undefined) {
    throw invalid("Invalid value for parameter 'page_token': it is of no page of this list.");
  }
  return place.by === 'id' ? place : { ...place, token: place.token };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reachedJson(kind: string, { thing, explained }: Reached) {
  const { permission, because, sources } = explanationJson(explained);
  return {
    resource_type: thing.isPrompt === true ? 'prompt' : kind,
    resource_id: thing.id,
    name: thing.name,
    ...{ permission, because, sources },
  };
}
