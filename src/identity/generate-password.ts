/** 24 characters of base64url: 144 bits. */
const PASSWORD_BYTES = 18;

/** A password that nobody has to think up; to be printed once and kept nowhere. */
export function generatePassword(random: (bytes: number) => Buffer): string {
  return random(PASSWORD_BYTES).toString('base64url');
}
