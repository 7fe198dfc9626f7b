/**
 * Invariant 1: the table cannot fall behind MLflow unnoticed. The installed versions are asked for the
 * routes they really serve; of the others there is a list that was made the same way.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { upstreamEnvironment } from '../../../src/cli/start/upstream-environment.ts';
import { liveRoutes, SAMPLED_VERSIONS } from '../../../src/mlflow/read/fields.ts';
import { nearestVersion } from '../../../src/mlflow/read/versions.ts';
import {
  coverageOf,
  describeCoverage,
  keyOf,
  keysOf,
  uncovered,
} from '../../../src/mlflow/table/coverage.ts';
import { expandPath, operationsOf } from '../../../src/mlflow/table/match.ts';
import { ROUTES } from '../../../src/routes.ts';
import { NEWEST, OLDEST, pythonOf, STARTED } from '../../support/mlflow.ts';

const DUMP = resolve(import.meta.dirname, '../../../scripts/dump_routes.py');

interface Live {
  readonly methods: readonly string[];
  readonly path: string;
}

/** Every route that an installed MLflow registers. */
function routesOf(version: string): readonly Live[] {
  const dir = mkdtempSync(join(tmpdir(), 'routes-'));
  try {
    const file = join(dir, 'routes.json');
    execFileSync(pythonOf(version), [DUMP, file], {
      env: { ...upstreamEnvironment(process.env), TMPDIR: dir },
      timeout: 100_000,
    });
    return JSON.parse(readFileSync(file, 'utf8')).routes;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const keysOfLive = (routes: readonly Live[]) =>
  routes.flatMap(({ methods, path }) => methods.map((method) => keyOf(method, path)));

/** What no sampled MLflow registers as a route, though it is asked for. */
const NOT_ROUTES = new Set([
  // Only with --expose-prometheus.
  'GET /metrics',
  // Browsers ask for it; a static file of the UI.
  'GET /favicon.ico',
]);

const served = new Set(
  SAMPLED_VERSIONS.flatMap((version) => liveRoutes(version) ?? []).flatMap((operation) => {
    const [method = '', ...path] = operation.split(' ');
    return expandPath(path.join(' ')).map((full) => keyOf(method, full));
  }),
);

describe('the table', () => {
  test.each([NEWEST, STARTED, OLDEST])('has a row for every route that MLflow %s registers', (version) => {
    const covered = keysOf(ROUTES);
    const live = keysOfLive(routesOf(version));
    expect(live.length).toBeGreaterThan(100);
    expect(live.filter((key) => !covered.has(key))).toEqual([]);
  });

  test.each(SAMPLED_VERSIONS)('has a row for every operation listed of MLflow %s', (version) => {
    const operations = liveRoutes(version) ?? [];
    expect(operations.length).toBeGreaterThan(70);
    expect(uncovered(operations, ROUTES)).toEqual([]);
  });

  test('has no row that no version serves, but for what the gateway serves itself', () => {
    const unserved = operationsOf(ROUTES)
      .filter(({ rules }) => !rules.some(({ rule }) => rule === 'serve'))
      .flatMap(({ method, path }) => expandPath(path).map((full) => keyOf(method, full)));
    expect(unserved.filter((key) => !served.has(key) && !NOT_ROUTES.has(key))).toEqual([]);
  });

  test('names nothing twice', () => {
    const keys = operationsOf(ROUTES).flatMap(({ method, path }) =>
      expandPath(path).map((full) => keyOf(method, full)),
    );
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });
});

describe('a row that is taken out', () => {
  test('is missed', () => {
    const without = ROUTES.filter(([, path]) => path !== '2.0 runs/log-metric');
    expect(coverageOf('3.17.2', without)).toEqual({
      is: 'missing',
      operations: ['POST 2.0 runs/log-metric'],
    });
    expect(coverageOf('3.0.0', without)).toMatchObject({ is: 'missing' });
  });

  test('is missed though a row with a parameter would match its path', () => {
    const without = ROUTES.filter(([, path]) => path !== '3.0 traces/get');
    expect(uncovered(['GET 3.0 traces/get'], without)).toEqual(['GET 3.0 traces/get']);
  });

  test('is missed though its twin under the other prefix is there', () => {
    const half = ROUTES.map((row) =>
      row[1] === '2.0 runs/get' ? (['GET', 'api 2.0 runs/get', 'read'] as const) : row,
    );
    expect(uncovered(['GET 2.0 runs/get'], half)).toEqual(['GET 2.0 runs/get']);
  });
});

describe('of a version, the gateway says', () => {
  test.each([
    ['3.17.2', 'covered'],
    ['2.15.1', 'covered'],
    ['2.16.0', 'between'],
    ['3.17.1', 'between'],
    ['3.5', 'between'],
    ['3.17.3', 'between'],
    ['3.18.1', 'unknown'],
    ['4.0.0', 'unknown'],
    ['2.15.0', 'unknown'],
    ['3.18.0rc1', 'unknown'],
    ['', 'unknown'],
  ])('%s: %s', (version, is) => {
    expect(coverageOf(version, ROUTES).is).toBe(is);
  });

  test('between which versions it lies, whose fields it is taken to have, and what it means', () => {
    expect(coverageOf('3.5.0', ROUTES)).toEqual({
      is: 'between',
      versions: ['3.4.0', '3.5.1'],
      readAs: '3.5.1',
    });
    expect(describeCoverage(coverageOf('3.5.0', ROUTES))).toMatch(
      /3\.4\.0 and 3\.5\.1.*the fields of 3\.5\.1$/,
    );
    expect(describeCoverage(coverageOf('9.0.0', ROUTES))).toMatch(
      /2\.15\.1 to 3\.18\.0.*the fields of 3\.18\.0$/,
    );
    expect(describeCoverage(coverageOf('3.18.0rc1', ROUTES))).toMatch(/the fields of any version$/);
    expect(describeCoverage({ is: 'missing', operations: ['GET /new'] })).toContain('GET /new');
  });

  test.each([
    ['3.17.1', '3.17.2'],
    ['3.17.3', '3.17.2'],
    ['3.15.0', '3.15.2'],
    ['3.5', '3.5.1'],
    ['2.14.0', '2.15.1'],
    ['3.19.0', '3.18.0'],
    ['4.0.0', '3.18.0'],
    ['3.17.2', '3.17.2'],
    ['3.18.0.dev0', undefined],
  ])('%s: its requests are read as those of %s', (version, known) => {
    expect(nearestVersion(version)).toBe(known);
  });
});
