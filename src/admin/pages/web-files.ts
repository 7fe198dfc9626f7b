import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ApiError } from '../../errors.ts';

/** One file of the pages for people. */
export interface WebFile {
  readonly bytes: Buffer;
  readonly zipped: Promise<Buffer>;
  readonly type: string;
}

/** What the build made of src/web. */
export interface WebFiles {
  /** The one page, before a prefix is put in. */
  page(): string;
  /** A script or style, by the name that its content gave it. */
  asset(name: string): WebFile | undefined;
  /** The script in MLflow's page. */
  inMlflow(): WebFile;
}

/** As far from here whether this runs from src or from dist. */
const BUILT = new URL('../../../dist/web/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

const zip = promisify(gzip);

/** Reads the files when the first of them is asked for, and keeps them: together they are small. */
export function createWebFiles(): WebFiles {
  let read: ReturnType<typeof readAll> | undefined;
  const files = () => {
    read ??= readAll();
    return read;
  };
  return {
    page: () => files().page,
    asset: (name) => files().assets.get(name),
    inMlflow: () => files().inMlflow,
  };
}

function readAll() {
  try {
    const names = readdirSync(new URL('assets/', BUILT));
    return {
      page: readFileSync(new URL('index.html', BUILT), 'utf8'),
      assets: new Map(names.map((name) => [name, fileOf(`assets/${name}`)])),
      inMlflow: fileOf('in-mlflow.js'),
    };
  } catch (cause) {
    throw new ApiError('INTERNAL_ERROR', 'The pages are not built. Run npm run build.', { cause });
  }
}

function fileOf(path: string): WebFile {
  const bytes = readFileSync(new URL(path, BUILT));
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { bytes, zipped: zip(bytes, { level: 9 }), type };
}
