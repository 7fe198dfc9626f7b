import type { FastifyBaseLogger } from 'fastify';
import type { Config } from '../config.ts';
import { readAuthorities } from './authorities.ts';
import { type KeyPairFiles, readKeyPair } from './key-pair.ts';
import { followKeyPair, type Renewal } from './renewal.ts';
import { createServers, type Servers } from './servers.ts';
import { createTrustedProxies, type TrustedProxies } from './trusted-proxies.ts';

/** How the gateway is reached: its sockets, its certificate, and the proxies between. */
export interface Listening {
  readonly servers: Servers;
  readonly proxies: TrustedProxies;
  /** The certificate, if it has one. */
  readonly certificate: Renewal | undefined;
  stop(): void;
}

export interface ListeningOptions {
  readonly log: FastifyBaseLogger;
  readonly maxHeaderBytes: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** A connection may stay idle longer than any load balancer's default, so that the client closes it first. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Prepares what the settings say about listening; nothing listens yet.
 *
 * @throws Error with a sentence, if certificate or key will not do.
 */
export async function prepareListening(
  config: Config,
  { log, maxHeaderBytes, clock }: ListeningOptions,
): Promise<Listening> {
  const files = keyPairFiles(config);
  const pair = files && readKeyPair(files);
  const servers = createServers({
    keepAliveMs: KEEP_ALIVE_MS,
    // What happens then is said in src/gateway/transport.ts.
    timeoutMs: config.client_timeout_seconds * 1000,
    maxHeaderBytes,
    leastBytesPerSecond: config.client_least_bytes_per_second,
    pair,
  });
  const proxies = createTrustedProxies({ entries: config.trusted_proxies, log });
  await proxies.refresh();
  const certificate =
    files && pair && followKeyPair({ files, pair, renew: (next) => servers.renew(next), log, clock });
  return {
    servers,
    proxies,
    certificate,
    stop() {
      servers.stop();
      proxies.stop();
      certificate?.stop();
    },
  };
}

/** Where certificate and key lie, if the gateway is to have them. */
export function keyPairFiles({
  tls_cert_file: certFile,
  tls_key_file: keyFile,
}: Config): KeyPairFiles | undefined {
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
}

/**
 * The authorities that the upstream is trusted by.
 *
 * @returns PEM; undefined for those that Node.js knows.
 * @throws Error with a sentence, if the file cannot be read or holds no certificate.
 */
export function readUpstreamCa({ upstream_ca_file: file }: Config): string | undefined {
  return file === undefined ? undefined : readAuthorities(file, 'upstream_ca_file');
}
