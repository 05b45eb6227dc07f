import type { Envelope } from '../../core/envelope.js';
import { Linked } from '../../core/linked-set.js';
import type { Delivery, Progress } from '../broker.js';
import type { Message } from './message.js';

/** A hand-out, with what is needed to find its stream entry again. */
export class RedisDelivery extends Linked implements Delivery {
  readonly envelope: Envelope;
  readonly queue: string;
  readonly priority: number;
  readonly attempt: number;
  readonly deliveries: number;
  readonly replays: number;
  readonly enqueuedAt: number;
  readonly admitted: boolean;
  /** Index of the partition it came from. */
  readonly partition: number;
  /** Id of its stream entry. */
  readonly entry: string;
  /** The envelope as it was received; written back as it is. */
  readonly envelopeText: string;
  /** The progress reported last; it is kept with the record at the end. */
  progress: Progress | undefined;
  /** Its outcome is on its way: nothing else can happen to it here, but it is not settled yet. */
  isSettling = false;
  /** An attempt to settle it failed; the next one travels by itself. */
  hasFailedToSettle = false;
  /** Which requests to stop it the holder was told of. */
  heardCancel: 'none' | 'asked' | 'terminate' = 'none';

  /** The time in its entry's id: an entry is added when its task becomes ready. */
  get readyAt(): number | undefined {
    // parseInt stops at the dash.
    return Number.parseInt(this.entry, 10) || undefined;
  }

  constructor(
    where: { partition: number; queue: string; priority: number; entry: string },
    message: Message,
    envelope: Envelope,
    handOuts: number,
  ) {
    super();
    this.envelope = envelope;
    this.queue = where.queue;
    this.priority = where.priority;
    this.attempt = message.attempt;
    this.deliveries = message.deliveries + handOuts;
    this.replays = message.replays;
    this.enqueuedAt = message.enqueuedAt;
    this.admitted = message.admitted;
    this.partition = where.partition;
    this.entry = where.entry;
    this.envelopeText = message.envelopeText;
  }
}
