/**
 * Loaded before a gateway, has it keep no audit log until it is sent SIGUSR2, and again none after the next one: no entry is
 * made, and none is written. There is no setting for that; what the log costs is to be seen.
 */
import { registerHooks } from 'node:module';

globalThis.withoutAudit = true;
process.on('SIGUSR2', () => {
  globalThis.withoutAudit = !globalThis.withoutAudit;
});

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    return url.endsWith('/gateway/audited.js')
      ? { ...loaded, source: withoutEntries(String(loaded.source)) }
      : loaded;
  },
});

function withoutEntries(source) {
  return ['entryOf', 'signInOf'].reduce(
    (text, name) =>
      text.replace(
        `export function ${name}(`,
        `export const ${name} = (ended, options) => (globalThis.withoutAudit ? undefined : ${name}Kept(ended, options));\nfunction ${name}Kept(`,
      ),
    source,
  );
}
