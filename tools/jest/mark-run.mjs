import { randomUUID } from 'node:crypto';

/** Every process a test starts inherits this mark, so the teardown can recognise what was left behind. */
export default function markRun() {
  process.env.STEM_TEST_RUN = randomUUID();
}
