import { editIni } from '../../config/edit-ini.ts';
import { interpolate, readIni } from '../../config/read-ini.ts';
import { unusable } from '../failure.ts';

/** How messages name the file of credentials. */
export const CREDENTIALS_FILE = '~/.mlflow/credentials';

/** The section that MLflow reads, and the one of this program beside it. */
const SECTION = 'mlflow';
const OWN_SECTION = 'mlflow-auth-client';

/** What `~/.mlflow/credentials` may say. */
export interface FileCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Where the password is a token that `login` has fetched: from which gateway. */
  readonly server: string | undefined;
}

/**
 * Reads MLflow's credentials file as MLflow does, by the section `[mlflow]`.
 *
 * @param name - how messages name the file.
 * @throws CommandFailure (exit code 2) where MLflow could not read it either; it never repeats a value.
 * @see mlflow/utils/credentials.py `_read_mlflow_creds_from_file`
 */
export function readCredentialsFile(text: string, name: string): FileCredentials {
  const file = readIni(text);
  const [section, own] = [file.section(SECTION), file.section(OWN_SECTION)];
  const [problem] = [...file.problems, ...(section?.problems ?? []), ...(own?.problems ?? [])];
  if (problem !== undefined) {
    throw unusable(`${name}: ${problem}.`);
  }
  const read = (key: string) => {
    const written = section?.values.get(key);
    const meant = written === undefined ? undefined : interpolate(written);
    if (written !== undefined && meant === undefined) {
      throw unusable(`${key} in ${name}: write %% for a percent sign.`);
    }
    return meant;
  };
  return {
    username: read('mlflow_tracking_username'),
    password: read('mlflow_tracking_password'),
    server: own?.values.get('server'),
  };
}

/**
 * The file with the credentials that `login` has fetched, or without any; all other lines stay.
 *
 * @param credentials - undefined to take them out.
 */
export function withCredentials(text: string, credentials: Required<FileCredentials> | undefined): string {
  const own = editIni(text, OWN_SECTION, { server: credentials?.server });
  return editIni(own, SECTION, {
    mlflow_tracking_username: credentials?.username,
    mlflow_tracking_password: credentials?.password,
  });
}
