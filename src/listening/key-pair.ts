import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { TLS_OPTIONS } from './tls-options.ts';

/** A certificate with those that lead to its authority, and its key, as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Where a pair lies. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * Reads a pair and tries it.
 *
 * @throws Error with a sentence that names the file and what is wrong; never what is in a key.
 */
export function readKeyPair({ certFile, keyFile }: KeyPairFiles): KeyPair {
  const pair = { cert: readText(certFile), key: readText(keyFile) };
  const certificate = attempt(
    `${certFile} holds no certificate that can be read`,
    () => new X509Certificate(pair.cert),
  );
  const key = attempt(`${keyFile} holds no private key that can be read without a passphrase`, () =>
    createPrivateKey(pair.key),
  );
  if (!certificate.checkPrivateKey(key)) {
    throw new Error(`${keyFile} is not the key of ${certFile}`);
  }
  attempt(`${certFile} and ${keyFile} cannot be used`, () =>
    createSecureContext({ ...TLS_OPTIONS, ...pair }),
  );
  return pair;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Error(`${file} cannot be read (${code})`, { cause: error });
  }
}

function attempt<T>(problem: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Error(problem, { cause });
  }
}
