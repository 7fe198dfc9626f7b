import { interpolate, readIni } from '../../config/read-ini.ts';
import { unusable } from '../failure.ts';

/** What `~/.mlflow/credentials` may say. */
export interface FileCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
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
  const section = file.section('mlflow');
  const [problem] = [...file.problems, ...(section?.problems ?? [])];
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
  return { username: read('mlflow_tracking_username'), password: read('mlflow_tracking_password') };
}
