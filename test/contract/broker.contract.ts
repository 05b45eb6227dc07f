import type { BrokerHarness } from './broker-harness.js';
import { claimsAndRetentionContract } from './claims-and-retention.contract.js';
import { deadLettersContract } from './dead-letters.contract.js';
import { largeBatchesContract } from './large-batches.contract.js';
import { leasesContract } from './leases.contract.js';
import { listingContract } from './listing.contract.js';
import { orderAndTimeContract } from './order-and-time.contract.js';
import { payloadsAndBulkContract } from './payloads-and-bulk.contract.js';
import { queuesAndCancelContract } from './queues-and-cancel.contract.js';
import { rateLimitsContract } from './rate-limits.contract.js';
import { transitionsContract } from './transitions.contract.js';
import { waitingContract } from './waiting.contract.js';

/** What every broker promises. Defines one Jest suite that runs against the broker of `harness`. */
export function brokerContract(name: string, harness: BrokerHarness): void {
  describe(name, () => {
    describe('transitions', () => transitionsContract(harness));
    describe('leases', () => leasesContract(harness));
    describe('order and time', () => orderAndTimeContract(harness));
    describe('rate limits', () => rateLimitsContract(harness));
    describe('claims and retention', () => claimsAndRetentionContract(harness));
    describe('queues and cancelling', () => queuesAndCancelContract(harness));
    describe('dead letters', () => deadLettersContract(harness));
    describe('listing', () => listingContract(harness));
    describe('waiting', () => waitingContract(harness));
    describe('payloads and bulk', () => payloadsAndBulkContract(harness));
    describe('a large batch', () => largeBatchesContract(harness));
  });
}
