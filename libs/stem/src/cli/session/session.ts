import type { Broker } from '../../broker/broker.js';
import type { StemClient } from '../../client/stem-client.js';

/** A connection to a Stem, for one command. Nothing of it runs tasks or carries schedules out. */
export interface Session {
  readonly stem: StemClient;
  readonly broker: Broker;
  close(): Promise<void>;
}
