import { z } from 'zod';
import { describe, moment } from './fields.ts';

const part = {
  ready: z.boolean(),
  checked_at: moment,
  latency_ms: z.number(),
  because: z.string().optional(),
};

export const ofServer = describe({
  'api.openapi': {
    does: "Describes the gateway's own API: this document.",
    answer: z.looseObject({ openapi: z.literal('3.1.0') }),
  },
  health: { does: 'Tells that the gateway is up.', answer: ['text/plain'] },
  ready: {
    does: 'Tells whether requests can be served; 503 with the part that does not answer.',
    answer: ['text/plain'],
  },
  status: {
    does: 'Tells how the gateway, its store and MLflow are.',
    answer: z.strictObject({
      version: z.string(),
      started_at: moment,
      enforcement: z.enum(['enforce', 'report']),
      ready: z.boolean(),
      store: z.strictObject({ ...part, open_intents: z.int() }),
      upstream: z.strictObject({
        ...part,
        mlflow_version: z.string().nullable().optional(),
        coverage: z.string().optional(),
        problems: z.array(z.string()).optional(),
        notes: z.array(z.string()).optional(),
      }),
      certificate: z.strictObject({ ends_at: moment }).optional(),
    }),
  },
});
