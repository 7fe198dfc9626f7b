/** What `~/.mlflow/credentials` may say. */
export interface FileCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const SECTION = /^\[([^\]]+)\]/;
const ENTRY = /^([^=:]+?)\s*[=:]\s*(.*)$/;

/**
 * Reads MLflow's credentials file as Python's `configparser` does: values are literal (quotes, `;` and `#`
 * belong to them) except that `%%` stands for `%`, keys ignore case, and `[DEFAULT]` fills what `[mlflow]`
 * leaves out.
 *
 * @see mlflow/utils/credentials.py `_read_mlflow_creds_from_file`
 */
export function readCredentialsFile(text: string): FileCredentials {
  const sections = new Map<string, Map<string, string>>();
  let entries: Map<string, string> | undefined;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) {
      continue;
    }
    const section = SECTION.exec(line)?.[1];
    if (section !== undefined) {
      entries = sections.get(section) ?? new Map();
      sections.set(section, entries);
      continue;
    }
    const [, key, value] = ENTRY.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      entries?.set(key.toLowerCase(), value.replaceAll('%%', '%'));
    }
  }
  const own = sections.get('mlflow');
  const read = (key: string) =>
    own === undefined ? undefined : (own.get(key) ?? sections.get('DEFAULT')?.get(key));
  return { username: read('mlflow_tracking_username'), password: read('mlflow_tracking_password') };
}
