import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * Reads the certificates of the authorities that another server is trusted by.
 *
 * @param setting - what names the file, for the message.
 * @returns PEM.
 * @throws Error with a sentence, if the file cannot be read or holds no certificate.
 */
export function readAuthorities(file: string, setting: string): string {
  try {
    const pem = readFileSync(file, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new Error(`${setting}: ${file} cannot be read, or holds no certificate in PEM`, { cause });
  }
}
