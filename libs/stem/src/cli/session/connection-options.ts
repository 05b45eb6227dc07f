import type { StemOptions } from '../../config/stem-options.js';
import type { GlobalOptions } from '../framework/global-options.js';

/** What the command line says of the connection; what it does not say stays as it is elsewhere. */
export function connectionOptions(
  globals: GlobalOptions,
): Pick<StemOptions, 'broker' | 'resultBackend' | 'scheduleStore' | 'namespace' | 'partitions'> {
  const { broker, resultBackend, scheduleStore, namespace, partitions } = globals;
  return {
    ...(broker === undefined ? {} : { broker }),
    ...(resultBackend === undefined ? {} : { resultBackend }),
    ...(scheduleStore === undefined ? {} : { scheduleStore }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(partitions === undefined ? {} : { partitions }),
  };
}
