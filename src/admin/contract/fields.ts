import { z } from 'zod';

/**
 * What one operation of the gateway's own takes and answers. It stands here once: handlers read their parameters by it,
 * and `GET /auth/openapi.json` is made of it.
 */
export interface Described {
  /** One sentence: what it does. */
  readonly does: string;
  readonly query?: z.ZodRawShape;
  readonly body?: z.ZodRawShape;
  /** An object for JSON; the media types of anything else. */
  readonly answer: z.ZodObject | readonly [mediaType: string, ...others: string[]];
}

/** Describes some operations, each under the name of its handler. */
export const describe = <const Names extends Readonly<Record<string, Described>>>(operations: Names): Names =>
  operations;

export const yesOrNo = z.boolean({ error: 'it must be true or false' });
/** A parameter that is mostly left out. */
export const flag = yesOrNo.nullish();

/** A parameter that must be a string, empty or not. */
export const anyText = z.string({ error: 'it must be a string' });

/** A parameter that must be a string with something in it. */
export const text = anyText.min(1, 'it must not be empty');

/** A parameter that must be sent, whatever it is: the handler says in MLflow's words what it must be. */
export const anything = z.unknown().refine((value) => value !== undefined && value !== null);

/** A number that MLflow's clients send as one, or as text. */
export const id = anything.meta({ type: ['integer', 'string'], pattern: '^-?\\d{1,15}$' });

/** Text that the handler checks, in MLflow's words. */
export const unchecked = z
  .unknown()
  .meta({ type: ['string', 'null'] })
  .optional();

/** What every list that is answered a page at a time takes. */
export const paging = {
  max_results: text.optional().describe('How many at most, from 1 to 1,000; 100 if left out.'),
  page_token: z.string().optional().describe('`next_page_token` of the page before.'),
};

/** What every list that is answered a page at a time answers besides. */
export const nextPage = { next_page_token: z.string().optional() };

/** A moment, in milliseconds since the epoch. */
export const moment = z.int();

/** What has nothing to tell. */
export const done = z.strictObject({});
