import { cacheStores } from 'undici';

/** All of MLflow's UI is about this large. */
const LIMITS = { maxSize: 32 * 1024 * 1024, maxEntrySize: 8 * 1024 * 1024 };

const OK = 200;

type Store = InstanceType<typeof cacheStores.MemoryCacheStore>;

/**
 * Keeps what MLflow says may be kept of what needs no credentials, and nothing but whole files. MLflow before 3.5 says the
 * same of the 412 that it answers where a client wants another file than there is (`If-Match`): kept, it would be what
 * everybody gets in place of MLflow's UI for weeks, and one request without an account would do for each file.
 */
class PublicCache extends cacheStores.MemoryCacheStore {
  override createWriteStream(...[key, value]: Parameters<Store['createWriteStream']>) {
    return value.statusCode === OK ? super.createWriteStream(key, value) : undefined;
  }
}

export const createPublicCache = (): Store => new PublicCache(LIMITS);
