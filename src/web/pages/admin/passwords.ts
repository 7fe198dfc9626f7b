const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 20;

/** A password that nobody guesses, in letters that nobody mistakes; the browser's own randomness makes it. */
export function makePassword(): string {
  // Above this a remainder would favour some letters.
  const fair = 256 - (256 % LETTERS.length);
  let password = '';
  while (password.length < LENGTH) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    password += byte < fair ? LETTERS[byte % LETTERS.length] : '';
  }
  return password;
}
