import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Page tokens that tell nothing and that only the gateway can make.
 *
 * MLflow's own tokens are a readable offset among all rows, hidden ones included. Whoever could read or choose it
 * would learn where a row of their own lies among rows that are hidden from them, and by ordering and filtering
 * around it every name and tag there is, letter by letter.
 */
export interface PageTokens {
  /**
   * The token of an offset.
   *
   * @param search - who searches for what: the token is good for nothing else. One made by a harmless search would
   *   otherwise stand for the same offset in another one.
   */
  seal(offset: number, search: string): string;
  /** The offset in a token of this search; undefined if it is none. */
  open(token: string, search: string): number | undefined;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const OFFSET_BYTES = 8;
const TAG_BYTES = 16;

/**
 * Creates the tokens of one store.
 *
 * @param key - 32 bytes that all gateways on the store share, so that each can go on where another ended.
 */
export function createPageTokens(key: Uint8Array): PageTokens {
  return {
    seal(offset, search) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(search));
      // Of a fixed length: the number of its digits tells something too.
      const plain = Buffer.alloc(OFFSET_BYTES);
      plain.writeBigUInt64BE(BigInt(offset));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString(
        'base64url',
      );
    },
    open(token, search) {
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length !== NONCE_BYTES + OFFSET_BYTES + TAG_BYTES) return undefined;
      const sealed = bytes.subarray(NONCE_BYTES, NONCE_BYTES + OFFSET_BYTES);
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(search))
        .setAuthTag(bytes.subarray(NONCE_BYTES + OFFSET_BYTES));
      try {
        return Number(Buffer.concat([decipher.update(sealed), decipher.final()]).readBigUInt64BE());
      } catch {
        return undefined;
      }
    },
  };
}
