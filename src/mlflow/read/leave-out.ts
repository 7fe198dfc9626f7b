import { parseLossless } from './lossless.ts';

/**
 * A JSON body without some of its fields, every number as it stood.
 *
 * @param paths - as {@link Reading.leaveOut} is told them: `metrics[0].model_id`.
 */
export function withoutFields(bytes: Uint8Array, paths: readonly string[]): Buffer {
  const body = parseLossless(Buffer.from(bytes).toString('utf8'));
  for (const path of paths) {
    const steps = path.split(/[.[\]]+/);
    const last = steps.pop() ?? '';
    const holder = steps.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], body);
    delete (holder as Record<string, unknown>)[last];
  }
  return Buffer.from(JSON.stringify(body));
}

/** A query string without some of its parameters, the others as they stood. */
export function withoutParameters(rawQuery: string, names: ReadonlySet<string>): string {
  return rawQuery
    .split('&')
    .filter((part) => !names.has(decodeURIComponent(part.split('=', 1)[0] ?? '')))
    .join('&');
}
