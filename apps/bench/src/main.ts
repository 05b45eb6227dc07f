import { Redis } from 'ioredis';
import { COMPARED, CONTENDERS, type ContenderName } from './contenders/index.js';
import { missedFloors } from './floors.js';
import { describeMachine } from './machine.js';
import { type BenchOptions, parseOptions, USAGE } from './options.js';
import { startRedisServer } from './redis-server.js';
import { createReport, type Report, Results, toMarkdown, writeReport } from './report.js';
import { FULL, SCENARIOS, SHORT } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';

const EXIT_MISSED_FLOOR = 1;
const EXIT_WRONG_USAGE = 64;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return EXIT_WRONG_USAGE;
  }

  const report = await measure(options);
  console.log(`\n${await toMarkdown(report)}`);
  console.log(`Written to ${await writeReport(report, reportName(options))} and .json`);

  const missed = options.check ? missedFloors(report) : [];
  for (const line of missed) console.error(`Too low: ${line}`);
  return missed.length > 0 ? EXIT_MISSED_FLOOR : 0;
}

/** Only a full run replaces the published figures. */
function reportName({ short, only }: BenchOptions): string {
  if (only !== undefined) return 'partial';
  return short ? 'short' : 'latest';
}

async function measure({ rounds, short, only }: BenchOptions): Promise<Report> {
  const scenarios = SCENARIOS.filter(({ name }) => only === undefined || name.includes(only));
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  try {
    const results = new Results();
    for (let round = 1; round <= rounds; round++) {
      for (const scenario of scenarios) {
        for (const contender of inTurn(short ? COMPARED : CONTENDERS, round)) {
          await redis.flushall('SYNC');
          const sizes = short ? SHORT : FULL;
          const values = await scenario.run({ url: server.url, redis, contender, sizes });
          for (const [name, value] of Object.entries(values)) results.add(name, contender, value);
          logRun(`round ${round}/${rounds}`, scenario, contender, values);
        }
      }
    }
    return createReport(await describeMachine(redis), rounds, scenarios, results);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

/** Every other round goes backwards, so that none always has the fresher machine. */
function inTurn(contenders: readonly ContenderName[], round: number): readonly ContenderName[] {
  return round % 2 === 1 ? contenders : contenders.toReversed();
}

function logRun(
  round: string,
  { name, measures }: Scenario,
  contender: ContenderName,
  values: Readonly<Record<string, number>>,
): void {
  const headline = measures[0];
  if (!headline) return;
  const value = Math.round(values[headline.name] ?? 0).toLocaleString('en');
  console.log(`${round}  ${name.padEnd(20)} ${contender.padEnd(7)} ${value} ${headline.unit}`);
}
