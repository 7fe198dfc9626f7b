import { describe, expect, test } from 'vitest';
import { type Ceiling, cutBy, holds, isWithin, scopeJson } from '../../src/policy/ceiling.ts';
import type { Root, RootKind } from '../../src/policy/resources.ts';

/** `experiment 7`, `prompt *`. */
const rootOf = (text: string): Root => {
  const [kind, id = ''] = text.split(' ');
  return { kind: kind as RootKind, id };
};
/** `read`, `experiment 7, prompt *`, `read experiment 7`. */
const ceilingOf = (text: string): Ceiling | undefined => {
  if (text === 'all') {
    return undefined;
  }
  const [, read, roots = ''] = /^(read)? ?(.*)$/.exec(text) ?? [];
  return {
    ...(read && { access: 'read' }),
    ...(roots !== '' && { resources: roots.split(', ').map(rootOf) }),
  };
};

describe('a scope holds', () => {
  test.each<[scope: string, root: string, isPrompt: boolean | undefined, held: boolean]>([
    ['experiment 7', 'experiment 7', undefined, true],
    ['experiment 7', 'experiment 77', undefined, false],
    ['experiment 7', 'experiment *', undefined, false],
    ['experiment 7', 'scorer 7/judge', undefined, true],
    ['experiment 7', 'scorer 77/judge', undefined, false],
    ['experiment 7', 'registered_model 7', undefined, false],
    ['experiment *', 'experiment 7', undefined, true],
    ['experiment *', 'scorer 7/judge', undefined, true],
    ['experiment *', 'prompt greeting', true, false],
    ['scorer 7/judge', 'experiment 7', undefined, false],
    ['scorer *', 'scorer 7/judge', undefined, true],
    ['registered_model churn', 'registered_model churn', undefined, true],
    ['registered_model churn', 'prompt churn', true, true],
    ['prompt churn', 'registered_model churn', false, true],
    ['registered_model *', 'registered_model churn', false, true],
    ['registered_model *', 'registered_model churn', true, false],
    ['registered_model *', 'registered_model churn', undefined, false],
    ['registered_model *, prompt *', 'registered_model churn', undefined, true],
    ['prompt *', 'registered_model churn', true, true],
    ['prompt *', 'registered_model *', undefined, false],
    ['registered_model *', 'registered_model *', undefined, true],
    ['mcp_server *', 'workspace *', undefined, false],
  ])('%s, asked for %s (a prompt: %s): %s', (scope, root, isPrompt, held) => {
    const asked = { ...rootOf(root), ...(isPrompt !== undefined && { isPrompt }) };
    expect(holds(scope.split(', ').map(rootOf), asked)).toBe(held);
  });
});

test.each<[inner: string, outer: string, within: boolean]>([
  ['all', 'all', true],
  ['read', 'all', true],
  ['all', 'read', false],
  ['read', 'read', true],
  ['experiment 7', 'read', false],
  ['read experiment 7', 'read', true],
  ['all', 'experiment 7', false],
  ['read', 'experiment 7', false],
  ['experiment 7', 'experiment 7', true],
  ['experiment 7, experiment 8', 'experiment 7', false],
  ['experiment 7', 'experiment 7, experiment 8', true],
  ['experiment 7', 'experiment *', true],
  ['experiment *', 'experiment 7', false],
  ['scorer *', 'experiment *', true],
  ['prompt *', 'registered_model *', false],
  ['experiment 7', 'read experiment 7', false],
])('%s is within %s: %s', (inner, outer, within) => {
  expect(isWithin(ceilingOf(inner), ceilingOf(outer))).toBe(within);
});

test('reading cuts all that is more, and nothing else', () => {
  const root = rootOf('experiment 7');
  expect(cutBy({ access: 'read' }, 'read', root)).toBeUndefined();
  for (const action of ['use', 'update', 'delete', 'manage'] as const) {
    expect(cutBy({ access: 'read' }, action, root)).toBeDefined();
  }
  expect(cutBy({ resources: [] }, 'read', root)).toBeDefined();
});

test('is shown as it was asked for', () => {
  expect(scopeJson(undefined)).toBeNull();
  expect(scopeJson(ceilingOf('read experiment 7'))).toEqual({
    access: 'read',
    resources: [{ resource_type: 'experiment', resource_id: '7' }],
  });
});
