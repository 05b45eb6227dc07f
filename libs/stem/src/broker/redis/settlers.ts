import type { AdmitOutcome, SettleOutcome } from '../broker.js';
import { Batcher, type Passengers, type Weight } from './batcher.js';
import { BATCH_LIMITS } from './batch-limits.js';
import type { RedisDelivery } from './redis-delivery.js';
import { admit, type Admission } from './scripts/admit.script.js';
import { complete, type Completion, weighCompletion } from './scripts/complete.script.js';
import { type EndOf, fail } from './scripts/fail.script.js';
import { release } from './scripts/release.script.js';
import { retry, type RetryOf } from './scripts/retry.script.js';
import type { ScriptCaller } from './scripts/script-caller.js';

/** Carries a settling call out on behalf of its deliveries; see `RedisConsumer`. */
export type SettleBatch = (
  deliveries: readonly RedisDelivery[],
  send: () => Promise<readonly SettleOutcome[]>,
) => Promise<readonly SettleOutcome[]>;

/** The batches of settling calls of one consumer in one partition: one for each transition. */
export class Settlers {
  readonly completions: Batcher<Completion, SettleOutcome>;
  readonly retries: Batcher<RetryOf, SettleOutcome>;
  readonly failures: Batcher<EndOf, SettleOutcome>;
  readonly abandonments: Batcher<EndOf, SettleOutcome>;
  readonly releases: Batcher<{ readonly delivery: RedisDelivery }, SettleOutcome>;
  readonly admissions: Batcher<Admission, AdmitOutcome>;

  constructor(scripts: ScriptCaller, consumer: string, settleBatch: SettleBatch) {
    const batch = <Item extends { readonly delivery: RedisDelivery }>(
      send: (items: Item[]) => Promise<SettleOutcome[]>,
      weigh: (item: Item) => Weight = weightOf,
    ): Batcher<Item, SettleOutcome> =>
      new Batcher(
        (items) =>
          settleBatch(
            items.map(({ delivery }) => delivery),
            () => send(items),
          ),
        BATCH_LIMITS,
        weigh,
      );
    this.completions = batch((items) => complete(scripts, consumer, items), weighCompletion);
    this.retries = batch((items) => retry(scripts, consumer, items));
    this.failures = batch((items) => fail(scripts, consumer, 'failed', items));
    this.abandonments = batch((items) => fail(scripts, consumer, 'cancelled', items));
    this.releases = batch((items) => {
      const deliveries = items.map(({ delivery }) => delivery);
      return release(scripts, consumer, deliveries);
    });
    this.admissions = new Batcher<Admission, AdmitOutcome>(
      (items) => admit(scripts, consumer, items),
      BATCH_LIMITS,
      weightOf,
    );
  }

  /** Takes out the completions of this tick, to send them along with a claim. */
  takeCompletions(): Passengers<Completion, SettleOutcome> | undefined {
    // One that could not be completed must not keep its worker from claiming as well.
    return this.completions.take(({ delivery }) => !delivery.hasFailedToSettle);
  }

  /** Sends what was collected in this tick. */
  flush(): void {
    this.completions.flush();
    this.retries.flush();
    this.failures.flush();
    this.abandonments.flush();
    this.releases.flush();
    this.admissions.flush();
  }
}

function weightOf({ delivery }: { readonly delivery: RedisDelivery }): Weight {
  return { count: 1, bytes: delivery.envelopeText.length };
}
