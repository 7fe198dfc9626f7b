import type { Action } from '../../policy/permissions.ts';
import type { Operation } from './match.ts';

/** What an operation does: an action on what it touches, or the making of something that holds grants. */
export type Effect = Action | 'create';

const ACTIONS: ReadonlySet<string> = new Set([
  'read',
  'use',
  'update',
  'delete',
  'manage',
] satisfies Action[]);

/** Rules of operations that are sent by POST but only look for something. */
const LOOKS: ReadonlySet<string> = new Set(['keep', 'narrow']);

/**
 * What an operation does, by its row. A row that asks for no action says it by its method and rules; one that does not
 * say that it only reads is taken to change something.
 */
export function effectOf({ need, method, rules }: Pick<Operation, 'need' | 'method' | 'rules'>): Effect {
  if (ACTIONS.has(need)) {
    return need as Action;
  }
  if (rules.some(({ rule }) => rule === 'adopt')) {
    return 'create';
  }
  const looks = rules.some(
    (rule) => LOOKS.has(rule.rule) || (rule.rule === 'special' && rule.name === 'graphql'),
  );
  return method === 'GET' || looks ? 'read' : 'update';
}
