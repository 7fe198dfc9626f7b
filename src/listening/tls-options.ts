import type { TlsOptions } from 'node:tls';

/**
 * TLS 1.2 and 1.3 with forward secrecy and authenticated encryption alone. Clients choose among them: those without
 * AES in hardware are faster with ChaCha20.
 *
 * @see https://wiki.mozilla.org/Security/Server_Side_TLS (intermediate)
 */
export const TLS_OPTIONS = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  honorCipherOrder: false,
  // An opened connection that never shakes hands.
  handshakeTimeout: 10_000,
} as const satisfies TlsOptions;
