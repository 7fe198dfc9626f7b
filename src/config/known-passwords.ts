/**
 * Passwords that everyone knows: those which MLflow shipped for its first administrator (CVE-2026-2635), and the
 * first guess after them.
 */
export const KNOWN_PASSWORDS: readonly string[] = ['password', 'password1234', 'admin'];
