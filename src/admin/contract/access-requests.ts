import { z } from 'zod';
import { anyText, describe, done, id, moment, nextPage, paging, text } from './fields.ts';
import { permission } from './shapes.ts';

/** What can be asked for. */
export const ASKED_LEVELS = ['READ', 'EDIT'] as const;
/** What can be given for it: whoever manages a thing knows better. */
export const GIVEN_LEVELS = ['READ', 'USE', 'EDIT', 'MANAGE'] as const;
/** What access can be asked for to. */
export const ASKED_KINDS = ['experiment', 'registered_model'] as const;

/** Characters of a message. */
export const LONGEST_MESSAGE = 1000;

/** Text without control characters but for breaks of lines; whatever is in it is shown as text. */
const message = anyText
  .max(LONGEST_MESSAGE, `it must be no longer than ${LONGEST_MESSAGE} characters`)
  .regex(/^(?:\n|[^\p{Cc}\p{Cs}])*$/u, 'it must be plain text')
  .nullish();

const kind = z.enum(ASKED_KINDS, { error: `it must be ${ASKED_KINDS.join(' or ')}` });

/** As whoever asked sees it: by the name that they asked for. */
const own = z.strictObject({
  access_request_id: z.int(),
  workspace: z.string(),
  resource_type: z.string(),
  resource_id: z.string(),
  permission,
  message: z.string(),
  created_at: moment,
  state: z.enum(['open', 'granted', 'declined']),
  granted: permission.nullable(),
  answer: z.string().nullable().describe('What was said to it.'),
  answered_at: moment.nullable(),
});

/** As whoever may answer it sees it: by what the thing is called now. */
const toAnswer = z.strictObject({
  access_request_id: z.int(),
  username: z.string(),
  resource_type: z.string(),
  resource_id: z.string(),
  resource_name: z.string().describe('What MLflow calls it.'),
  permission,
  message: z.string(),
  created_at: moment,
});

export const ofAccessRequests = describe({
  'accessRequests.create': {
    does: 'Asks whoever manages an experiment or registered model for access to it.',
    body: {
      resource_type: kind,
      resource_id: text,
      permission: z.enum(ASKED_LEVELS, { error: `it must be ${ASKED_LEVELS.join(' or ')}` }),
      message,
    },
    answer: z.strictObject({ access_request: own }),
  },
  'accessRequests.list': {
    does: 'Lists the open requests for access that the caller may answer.',
    query: { resource_type: kind.optional(), resource_id: text.optional(), ...paging },
    answer: z.strictObject({ access_requests: z.array(toAnswer), ...nextPage }),
  },
  'accessRequests.listOwn': {
    does: 'Lists what the caller has asked for access to, newest first.',
    query: paging,
    answer: z.strictObject({ access_requests: z.array(own), ...nextPage }),
  },
  'accessRequests.answer': {
    does: 'Grants or declines a request for access.',
    body: {
      access_request_id: id,
      decision: z.enum(['grant', 'decline'], { error: "it must be 'grant' or 'decline'" }),
      permission: z
        .enum(GIVEN_LEVELS, { error: `it must be one of ${GIVEN_LEVELS.join(', ')}` })
        .nullish()
        .describe('What is granted; what was asked for if left out.'),
      message,
    },
    answer: done,
  },
  'accessRequests.withdraw': {
    does: 'Takes back a request for access of the caller’s own that has no answer yet.',
    body: { access_request_id: id },
    answer: done,
  },
});
