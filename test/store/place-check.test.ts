import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createPlaceCheck } from '../../src/store/engines/sqlite/place-check.ts';
import { temporaryDirectory } from './temporary.ts';

const SUFFIXES = ['', '-wal', '-shm'];
const GONE = expect.objectContaining({ status: 503 });

/** What is in a directory of late is looked at file by file, what has not changed for long by its directory alone. */
describe.each([
  ['a moment', 0],
  ['an hour', 3_600_000],
])('a directory that has not changed for %s', (_, later) => {
  const clock = () => Date.now() + later;
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = join(temporaryDirectory(), 'data');
    fill(directory);
    file = join(directory, 'gateway.db');
  });

  function fill(where: string): void {
    mkdirSync(where);
    for (const suffix of SUFFIXES) {
      writeFileSync(join(where, `gateway.db${suffix}`), '');
    }
  }

  test.each(SUFFIXES)(
    'a file …%s is missed that is removed, moved away or replaced, until it is back',
    (suffix) => {
      const check = createPlaceCheck(file, clock);
      const [here, away, copy] = [file + suffix, `${file}${suffix}.away`, `${file}${suffix}.copy`];
      for (let again = 0; again < 2; again += 1) {
        check();
        check();
        renameSync(here, away);
        expect(check).toThrow(GONE);
        copyFileSync(away, copy);
        renameSync(copy, here);
        expect(check).toThrow(GONE);
        expect(check).toThrow(GONE);
        renameSync(away, here);
      }
      check();
      rmSync(here);
      expect(check).toThrow(GONE);
    },
  );

  test('another directory of the same name is noticed', () => {
    const check = createPlaceCheck(file, clock);
    check();
    renameSync(directory, `${directory}.away`);
    expect(check).toThrow(GONE);
    fill(directory);
    expect(check).toThrow(GONE);
    rmSync(directory, { recursive: true });
    renameSync(`${directory}.away`, directory);
    check();
  });

  test.each(SUFFIXES)('so is what happens to a file …%s that a link leads to', (suffix) => {
    const link = join(temporaryDirectory(), 'link.db');
    symlinkSync(file, link);
    const check = createPlaceCheck(link, clock);
    check();
    check();
    renameSync(file + suffix, `${file}${suffix}.away`);
    expect(check).toThrow(GONE);
    renameSync(`${file}${suffix}.away`, file + suffix);
    check();
  });

  test('and to one that has become a link', () => {
    const check = createPlaceCheck(file, clock);
    check();
    const elsewhere = join(temporaryDirectory(), 'moved.db');
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);
    check();
    check();
    rmSync(elsewhere);
    expect(check).toThrow(GONE);
  });
});
