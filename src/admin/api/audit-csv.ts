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
    yield `${cellsOf(entry).map(quoted).join(',')}\r\n`;
  }
}

function cellsOf(entry: AuditEntry): readonly string[] {
  const { credential, resources, change } = entry;
  const texts = [
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
    resources.map(({ type, id }) => `${type} ${withoutSeparator(id)}`).join('; '),
    entry.allowed,
    entry.enforced,
    entry.because,
    entry.status,
    entry.durationMs,
  ];
  return [...texts.map(asText), asJson(change?.before), asJson(change?.after)];
}

/** An id that cannot look like two resources: a model may be called `a; user bob`. */
const withoutSeparator = (id: string): string => id.replace(/[%;]/g, encodeURIComponent);

/**
 * What a spreadsheet may begin a formula with, in the wide forms of East Asian input too: at the start of a cell, and after what
 * separates cells in other tables than this. Quotes and spaces in front of it may be dropped. It is looked behind from the sign alone, as a
 * name of many spaces would take long otherwise.
 */
const FORMULA = /[=+\-@\t\r＝＋－＠](?<=(?:^|[;\t])[\p{Zs}"']*.)/gsu;
/** What moves the cursor, or the order of the text, where the table is shown as text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
/** A backslash that would be taken for that of an escaped character. */
const LIKE_ESCAPED = /\\(?=u[\da-fA-F]{4})/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * The text of a cell. What a spreadsheet would take for a formula is led by an apostrophe: names of users and models are
 * chosen by anybody.
 *
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
function asText(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  return text.replace(LIKE_ESCAPED, escaped).replace(FORMULA, "'$&").replace(CONTROL, escaped);
}

/** The same of JSON, by its own escapes: who parses the cell gets exactly what was recorded. */
function asJson(value: unknown): string {
  const text = value === null || value === undefined ? '' : JSON.stringify(value);
  return text.replace(FORMULA, escaped).replace(CONTROL, escaped);
}

const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
