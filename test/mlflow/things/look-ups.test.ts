/** MLflow is asked for exactly what was judged, whatever is in its name. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCanonical, joinId } from '../../../src/mlflow/things/identifiers.ts';
import { CHILD_LOOK_UPS, TRACKED_LOOK_UPS, type Way, wayFor } from '../../../src/mlflow/things/look-ups.ts';

interface Asked {
  readonly kind: string;
  readonly way: Way;
}

const children: readonly Asked[] = Object.entries(CHILD_LOOK_UPS).flatMap(([kind, { ways }]) =>
  ways.map((way) => ({ kind, way })),
);
const tracked: readonly Asked[] = Object.entries(TRACKED_LOOK_UPS)
  .filter(([kind]) => !['scorer', 'mcp_server', 'skill'].includes(kind))
  .flatMap(([kind, lookUp]) =>
    [...lookUp.byName, ...('byId' in lookUp ? lookUp.byId : [])].map((way): Asked => ({ kind, way })),
  );
/** A list is asked for whole: what is meant is picked from it. */
const named = [...children, ...tracked].filter(({ way }) => way.where === undefined);

/** Where a target has a piece of text: the names of its parameters, or the places of its path. */
function piecesOf(target: string): Record<string, string> {
  const url = new URL(target, 'http://mlflow');
  const path = url.pathname.split('/').map((piece, place) => [`path ${place}`, decodeURIComponent(piece)]);
  return { ...Object.fromEntries(path), ...Object.fromEntries(url.searchParams) };
}

const PLAIN = 'plain';
/** What addresses are made of, and everything else. */
const anyId = fc.oneof(
  fc.string({ minLength: 1, unit: fc.constantFrom(...'ab/?&#=%2eF+ ;\\$`:.'.split('')) }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
);

describe('a look-up', () => {
  test.each(named)('by $way.at for a $kind names it and nothing else', ({ way }) => {
    const shape = piecesOf(way.target(PLAIN));
    const inQuery = !Object.entries(shape).some(([at, text]) => at.startsWith('path') && text === PLAIN);
    fc.assert(
      // A path with `.` or `..` for an id would be another: no kind with its id in a path has such ids.
      fc.property(
        anyId.filter((id) => inQuery || !/^\.{1,2}$/.test(id)),
        (id) => {
          const expected = Object.entries(shape).map(([at, text]) => [at, text === PLAIN ? id : text]);
          expect(piecesOf(way.target(id))).toEqual(Object.fromEntries(expected));
        },
      ),
    );
  });

  test.each(children.map(({ kind }) => kind))('for a %s is not made for `.` and `..` in a path', (kind) => {
    const ways = children.filter((each) => each.kind === kind);
    const inPath = ways.some(({ way }) =>
      new URL(way.target(PLAIN), 'http://mlflow').pathname.includes(PLAIN),
    );
    for (const id of inPath ? ['.', '..'] : []) {
      expect(isCanonical(kind as keyof typeof CHILD_LOOK_UPS, id)).toBe(false);
    }
  });

  test('for an MCP server names its namespace and slug', () => {
    const [{ target }] = TRACKED_LOOK_UPS.mcp_server.byName;
    const shape = piecesOf(target('namespace/slug'));
    fc.assert(
      fc.property(anyId, anyId, (namespace, slug) => {
        fc.pre(!namespace.includes('/') && ![namespace, slug].some((part) => /^\.{1,2}$/.test(part)));
        const expected = { namespace, slug };
        expect(piecesOf(target(`${namespace}/${slug}`))).toEqual(
          Object.fromEntries(
            Object.entries(shape).map(([at, text]) => [at, expected[text as keyof typeof expected] ?? text]),
          ),
        );
      }),
    );
  });

  test('for a skill names it as its path does', () => {
    const [{ target }] = TRACKED_LOOK_UPS.skill.byName;
    expect(target('review')).toBe('/api/3.0/mlflow/skills/review');
    expect(target('@acme.eu/review-2')).toBe('/api/3.0/mlflow/skills/@acme.eu/review-2');
  });

  test('for a scorer names its experiment and its name', () => {
    const [{ target }] = TRACKED_LOOK_UPS.scorer.byName;
    fc.assert(
      fc.property(anyId, (name) => {
        expect(piecesOf(target(joinId('7', name)))).toMatchObject({ experiment_id: '7', name });
      }),
    );
  });
});

describe('the name of an MCP server', () => {
  test.each([
    'ns/a b',
    'ns/a?x=1',
    'ns/versions',
    'ns/a%20b',
    'ns/a#b',
    'ns/..',
    'ns/é',
    'ns/a/b',
    'ns',
    '-a/bb',
    'aa/b.',
  ])('is not %j', (name) => {
    expect(isCanonical('mcp_server', name)).toBe(false);
  });
  test.each(['ns/server', 'io.github.me/my_server.v2', 'a1/b2', 'a/b'])('is %j', (name) => {
    expect(isCanonical('mcp_server', name)).toBe(true);
  });
});

describe('the name of a skill', () => {
  test.each([
    'Review',
    'réview',
    'a--b',
    '-a',
    'a-',
    'a.b',
    'a_b',
    'a b',
    'a%20b',
    'a/b',
    '@acme',
    '@acme/',
    '@/a',
    '@Acme/a',
    '@acme/@a',
    '@a..b/c',
    '@acme/a/b',
    '*',
    '',
    'a'.repeat(65),
    `@${'a'.repeat(65)}/b`,
    'a\n',
  ])('is not %j', (name) => {
    expect(isCanonical('skill', name)).toBe(false);
  });
  test.each(['a', 'code-review', '@acme/review', '@acme.eu-2/review', '1', 'versions', 'a'.repeat(64)])(
    'is %j',
    (name) => {
      expect(isCanonical('skill', name)).toBe(true);
    },
  );
});

test.each([
  ['3.17.2', 'new'],
  ['3.11.0rc1', 'new'],
  ['4.0.0', 'new'],
  ['3.10.1', 'old'],
  ['2.15.1', 'old'],
  ['dev', undefined],
  [undefined, undefined],
])('MLflow %s is asked in the way that it takes', (version, expected) => {
  const ways: readonly Way[] = [{ target: () => 'new', since: [3, 11] }, { target: () => 'old' }];
  expect(wayFor(ways, version)?.target('')).toBe(expected);
});
