/**
 * A process with nothing but a Beat, as an application would have it; run by `beat-fleet.ts`.
 *
 * BEAT_BROKER_URL, BEAT_SCHEDULES_URL, BEAT_NAMESPACE; BEAT_CLOCK_SKEW_MS sets its clock wrong.
 */
const skewMs = Number(process.env.BEAT_CLOCK_SKEW_MS ?? 0);
if (skewMs !== 0) {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(RealDate.now() + skewMs);
      else super(...args);
    }
    static now() {
      return RealDate.now() + skewMs;
    }
  };
}

const { Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { defineTask, StemModule } = await import('nestjs-stem');

class BeatModule {}
Module({
  imports: [
    StemModule.forRoot({
      broker: process.env.BEAT_BROKER_URL,
      ...(process.env.BEAT_SCHEDULES_URL ? { scheduleStore: process.env.BEAT_SCHEDULES_URL } : {}),
      namespace: process.env.BEAT_NAMESPACE,
      worker: false,
      onConnectFailure: 'wait',
      tasks: [defineTask('tick'), defineTask('quiet', { ignoreResult: true })],
    }),
  ],
})(BeatModule);

await NestFactory.createApplicationContext(BeatModule, { logger: ['error', 'warn'] });
process.on('message', () => process.send(process.cpuUsage()));
process.send('ready');
