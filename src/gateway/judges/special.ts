import type { FastifyRequest } from 'fastify';
import type { SignedIn } from '../../identity/principal.ts';
import type { Rule } from '../../mlflow/table/row.ts';

type SpecialName = Extract<Rule, { rule: 'special' }>['name'];

/**
 * Judges a request in a way that a row cannot say as data.
 *
 * @throws ApiError to refuse; Answered to reply in another way than by forwarding.
 */
export type Special = (request: FastifyRequest, caller: SignedIn) => Promise<void>;
export type Specials = Readonly<Record<SpecialName, Special>>;
