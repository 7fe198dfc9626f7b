import type { Action } from '../../policy/permissions.ts';
import type { Operation } from './match.ts';
import type { Need } from './row.ts';

/** What an operation does: an action on what it touches, or the making of something that holds grants. */
export type Effect = Action | 'create';

/** The action that a row needs; undefined where it needs something else. */
export function actionOf(need: Need): Action | undefined {
  return need === 'signed-in' || need === 'public' || need === 'admin' || need === 'nobody'
    ? undefined
    : need;
}

/** Rules of operations that are sent by POST but only look for something, or do nothing at all. */
const LOOKS: ReadonlySet<string> = new Set(['keep', 'narrow', 'answer']);

/**
 * What an operation does, by its row. A row that asks for no action says it by its method and rules; one that does not
 * say that it only reads is taken to change something.
 */
export function effectOf({ need, method, rules }: Pick<Operation, 'need' | 'method' | 'rules'>): Effect {
  const action = actionOf(need);
  if (action !== undefined) {
    return action;
  }
  if (rules.some(({ rule }) => rule === 'adopt')) {
    return 'create';
  }
  const looks = rules.some(
    (rule) => LOOKS.has(rule.rule) || (rule.rule === 'special' && rule.name === 'graphql'),
  );
  return method === 'GET' || looks ? 'read' : 'update';
}
