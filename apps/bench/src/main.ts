import { Redis } from 'ioredis';
import type { ContenderName } from './contenders/index.js';
import { missedFloors } from './floors.js';
import { describeMachine } from './machine.js';
import { type BenchOptions, parseOptions, USAGE } from './options.js';
import { startRedisServer } from './redis-server.js';
import { createReport, type Report, Results } from './report.js';
import { toMarkdown } from './report-markdown.js';
import { writeReport } from './report-writer.js';
import { FULL, SCENARIOS, SHORT } from './scenarios/index.js';
import type { Scenario } from './scenarios/scenario.js';

const EXIT_MISSED_FLOOR = 1;
const EXIT_WRONG_USAGE = 64;

const IN_SHORT: ReadonlySet<ContenderName> = new Set(['stem', 'bullmq']);

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
  console.log(`\n${toMarkdown(report)}`);
  console.log(`Written to ${await writeReport(report, reportName(options))} its .json and .svg`);

  const missed = options.check ? missedFloors(report) : [];
  for (const line of missed) console.error(`Too low: ${line}`);
  return missed.length > 0 ? EXIT_MISSED_FLOOR : 0;
}

/** Only a full run replaces the published figures. */
function reportName({ short, only, contender }: BenchOptions): string {
  if (only !== undefined || contender !== undefined) return 'partial';
  return short ? 'short' : 'latest';
}

async function measure({ rounds, short, only, contender: one }: BenchOptions): Promise<Report> {
  const scenarios = SCENARIOS.filter(({ name, isShort, contenders }) => {
    const isAskedFor = only === undefined ? isShort || !short : name.includes(only);
    return isAskedFor && (one === undefined || contenders.includes(one));
  });
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  try {
    const results = new Results();
    for (let round = 1; round <= rounds; round++) {
      for (const scenario of scenarios) {
        if (scenario.isOnce && round > 1) continue;
        const contenders = scenario.contenders.filter((name) =>
          one === undefined ? !short || IN_SHORT.has(name) : name === one,
        );
        for (const contender of inTurn(contenders, round)) {
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
  const value = (values[headline.name] ?? 0).toLocaleString('en', { maximumSignificantDigits: 4 });
  console.log(`${round}  ${name.padEnd(20)} ${contender.padEnd(8)} ${value} ${headline.unit}`);
}
