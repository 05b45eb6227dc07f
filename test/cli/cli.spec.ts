import { queueAndDlqCases } from './cases/queues-and-dlq.cases.js';
import { scheduleCases } from './cases/schedules.cases.js';
import { taskCases } from './cases/tasks.cases.js';
import { terminalCases } from './cases/terminal.cases.js';
import { usageCases } from './cases/usage.cases.js';
import { workerCases } from './cases/workers.cases.js';
import { useStage } from './support/stage.js';

/*
 * The command line as a user has it: the packed library, installed, its `stem` in processes of its own,
 * against a real Redis and with real workers.
 */

jest.setTimeout(60_000);

const stage = useStage();

usageCases(stage);
taskCases(stage);
queueAndDlqCases(stage);
scheduleCases(stage);
workerCases(stage);
terminalCases(stage);
