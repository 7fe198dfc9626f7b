import { readFileSync } from 'node:fs';

/** What package.json says of this package. */
export const manifest: { readonly version: string; readonly engines: { readonly node: string } } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
