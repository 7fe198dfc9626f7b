import type { AuditEntry } from '../../store/audit/index.ts';

const COLUMNS = [
  'entry_id',
  'time',
  'request_id',
  'username',
  'credential',
  'ip',
  'method',
  'path',
  'operation',
  'action',
  'resources',
  'allowed',
  'enforced',
  'because',
  'status',
  'duration_ms',
  'before',
  'after',
] as const;

/** Entries as a table that spreadsheets open (RFC 4180), each on a line of its own. */
export async function* csvLines(entries: AsyncIterable<AuditEntry>): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const entry of entries) {
    yield `${cellsOf(entry).map(cell).join(',')}\r\n`;
  }
}

function cellsOf(entry: AuditEntry): readonly unknown[] {
  const { credential, resources, change } = entry;
  return [
    entry.id,
    new Date(entry.at).toISOString(),
    entry.requestId,
    entry.username,
    credential && [credential.kind, credential.id].filter(Boolean).join(' '),
    entry.ip,
    entry.method,
    entry.path,
    entry.operation,
    entry.action,
    resources.map(({ type, id }) => `${type} ${id}`).join('; '),
    entry.allowed,
    entry.enforced,
    entry.because,
    entry.status,
    entry.durationMs,
    change?.before && JSON.stringify(change.before),
    change?.after && JSON.stringify(change.after),
  ];
}

/** What a spreadsheet may begin a formula with, in the wide forms of East Asian input too. */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/u;
/** What moves the cursor, or the order of the text, where the table is shown as text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * One cell. A text that a spreadsheet would take for a formula is led by an apostrophe: names of users and models are
 * chosen by anybody.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
function cell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const led = FORMULA.test(text) ? `'${text}` : text;
  const shown = led.replace(
    CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return /[",]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
