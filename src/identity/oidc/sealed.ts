import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

/** Keeps texts that others hold, or a store, from being read or changed: AES-256-GCM under a key of this purpose alone. */
export interface Sealing {
  seal(text: string): string;
  /** Undefined for what was not sealed here, or was changed, or is written otherwise: what counts once is known by its text. */
  open(sealed: string): string | undefined;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param key - 32 random bytes that every gateway on a store has alike.
 * @param purpose - what is sealed: what is for another cannot be opened.
 * @param random - source of randomness.
 * @see RFC 5869 for how the key of a purpose is made.
 */
export function createSealing(key: Uint8Array, purpose: string, random: (bytes: number) => Buffer): Sealing {
  const own = Buffer.from(hkdfSync('sha256', key, '', purpose, 32));
  return {
    seal(text) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', own, nonce);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      // Node passes over characters that are none of base64, and bits of the last one.
      if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) {
        return undefined;
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', own, bytes.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const rest = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}
