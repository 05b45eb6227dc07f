/** Shows how far something long is. */
export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/** Shorter work is over before a bar could be read. */
const WORTH_A_BAR = 1_000;

/** A bar on stderr, for whoever sits in front of it; nothing elsewhere. */
export async function createProgress(what: string, json: boolean): Promise<Progress> {
  if (json || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const { SingleBar } = await import('../vendor/progress.cjs');
  const bar = new SingleBar({
    format: `${what} {bar} {percentage} % ({value} of {total})`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  let started = false;
  return {
    update: (done, total) => {
      if (total < WORTH_A_BAR) return;
      if (!started) bar.start(total, 0);
      started = true;
      bar.update(done);
    },
    stop: () => {
      if (started) bar.stop();
    },
  };
}
