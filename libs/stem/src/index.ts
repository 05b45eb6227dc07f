// Nest: modules, decorators, shutdown.
export { type StemAsyncOptions, StemModule, type StemOptionsFactory } from './nest/stem.module.js';
export { Task, type TaskDecorator, type TaskHandler } from './nest/task.decorator.js';
export {
  OnSignal,
  type OnSignalOptions,
  type SignalDecorator,
} from './nest/on-signal.decorator.js';
export { Schedule } from './nest/schedule.decorator.js';
export { getStemToken, InjectStem } from './nest/inject-stem.decorator.js';
export { StemBeatHost } from './nest/stem-beat-host.js';
export { StemWorkerHost } from './nest/stem-worker-host.js';
export { gracefulShutdown, type GracefulShutdownOptions } from './nest/graceful-shutdown.js';

// Configuration.
export { StemConfig } from './config/environment.js';
export type {
  BeatOptions,
  IsolationOptions,
  MonitorOptions,
  RedisClientLike,
  RedisOptionsLike,
  SizeLimits,
  StemOptions,
  TlsFiles,
  WorkerOptions,
} from './config/stem-options.js';

// Client.
export { StemClient } from './client/stem-client.js';
export { type CancelOptions, type ResultOptions, TaskHandle } from './client/task-handle.js';
export type {
  EnqueueOptions,
  EnqueueParameters,
  EnqueueRequest,
  TaskReference,
} from './client/enqueue-options.js';
export type { DeadLetter, TaskStatus } from './client/task-status.js';
export type { Queues } from './client/queues.js';
export type { TaskListOptions, Tasks } from './client/tasks.js';
export type {
  InspectOptions,
  RevokeOptions,
  WorkerAddress,
  WorkerControl,
  WorkerQueuesOptions,
  WorkerShutdownOptions,
} from './client/worker-control.js';
export {
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusOptions,
  prometheusText,
} from './client/prometheus-text.js';
export type { WorkerReply } from './client/ask-workers.js';
export type { Workers } from './client/workers.js';
export type {
  ControlCommandName,
  ControlCommands,
  HeldTask,
  StopMode,
  WorkerInspection,
  WorkerPing,
  WorkerQueues,
  WorkerRevocation,
  WorkerShutdown,
  WorkerStats,
} from './core/control.js';
export type { PreviewOptions, Schedule as ScheduleInfo, Schedules } from './client/schedules.js';
export type {
  DeadLetterFilter,
  DeadLetterListOptions,
  DeadLetterProgress,
  DeadLetters,
  DeadLetterSelection,
  ReplayOptions,
  ReplayReport,
} from './client/dead-letters.js';

// Operators.
export type { WorkerInfo } from './client/workers.js';
export type {
  Counts,
  MetricsOptions,
  QueueMetrics,
  StemMetrics,
  TaskMetrics,
  TaskNumbers,
} from './client/metrics.js';
export type { Percentiles } from './monitor/histogram.js';
export type { EventFollowOptions, EventReadOptions, Events, StemEvent } from './client/events.js';
export type { HealthCheck, StemHealth } from './client/health.js';
export type { RunOutcome, WorkerCounts, WorkerHealth, WorkerState } from './core/worker-status.js';
export type { CountName } from './core/count-fields.js';

export type { BeatStatus } from './beat/status-keeper.js';

// Schedules.
export type { MisfirePolicy, ScheduleDefinition, ScheduleOptions } from './schedule/definition.js';
export { ScheduleError, ScheduleNotFoundError } from './schedule/schedule-error.js';
export type { ScheduleSpec } from './schedule/spec.js';
export type { SolarEvent } from './schedule/timing.js';

// Tasks.
export {
  defineTask,
  type TaskArgs,
  type TaskDefinition,
  type TaskResult,
} from './core/define-task.js';
export type { TaskOptions } from './core/task-options.js';
export type { ErrorMatcher, RetryOptions } from './core/retry-policy.js';
export type {
  ChildTaskOptions,
  RetryRequestOptions,
  TaskContext,
  TaskLogger,
} from './core/task-context.js';
export {
  TASK_STATES,
  type TaskState,
  TERMINAL_STATES,
  type TerminalState,
} from './core/task-state.js';
export type { Duration } from './core/duration.js';
export type { ByteSize } from './core/size.js';
export type { JsonObject, JsonValue } from './core/json.js';
export type { TaskFailure } from './core/failure.js';
export type {
  SignalFilter,
  SignalledTask,
  SignalledTick,
  SignalledWorker,
  SignalListener,
  SignalName,
  SignalPayloads,
} from './core/signals.js';

// Errors.
export {
  BrokerCommandError,
  BrokerFullError,
  BrokerTimeoutError,
  BrokerUnavailableError,
  DuplicateTaskError,
  EnqueueOptionError,
  HardTimeLimitError,
  LeaseLostError,
  PayloadTooLargeError,
  ResultTimeoutError,
  SoftTimeLimitError,
  StemClosedError,
  StemConfigError,
  StemError,
  type StemErrorInit,
  TaskArgsError,
  TaskCancelledError,
  type TaskCoordinates,
  TaskExpiredError,
  TaskFailedError,
  TaskNotFoundError,
  type ThreadCrash,
  ThreadCrashedError,
  UnknownTaskError,
  UnrecoverableTaskError,
  WorkerStoppingError,
} from './core/errors.js';

// The port, for brokers of your own.
export { MemoryBroker, type MemoryBrokerOptions } from './broker/memory/memory-broker.js';
export { MemoryResultBackend } from './broker/memory/memory-result-backend.js';
export { MemoryScheduleStore } from './broker/memory/memory-schedule-store.js';
export type {
  DueSchedule,
  DueSchedules,
  Occurrence,
  ScheduleChange,
  ScheduleOverride,
  ScheduleRecord,
  ScheduleStore,
  SettledTick,
  Tick,
  TickFault,
  TickOutcome,
  TickRun,
} from './broker/schedule-store.js';
export type {
  ControlAnswer,
  ControlBus,
  ControlMessage,
  ControlRequest,
} from './broker/control-bus.js';
export {
  type BeatReport,
  type CountedMinute,
  EVENT_TYPES,
  type EventFollower,
  type MonitorBatch,
  type MonitorEvent,
  type MonitorStore,
  type ProcessFacts,
  type ProcessReport,
  type SeenProcess,
  type StemEventType,
  type StoredEvent,
  type WorkerReport,
} from './broker/monitor-store.js';
export { LISTING_BUDGET, resultKeyOf, resultReference } from './broker/broker.js';
export type {
  Abandonment,
  Broker,
  CancelOutcome,
  CancelRequest,
  ClaimOutcome,
  Consumer,
  ConsumerOptions,
  DeadLetterQuery,
  Death,
  DeathReason,
  Delivery,
  EnqueueOutcome,
  NewTask,
  Progress,
  QueueStats,
  ReclaimOutcome,
  Rejection,
  ReplayOutcome,
  ResultBackend,
  Retry,
  SettleOutcome,
  Success,
  TaskQuery,
  TaskRecord,
} from './broker/broker.js';
export {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  type EnvelopeFields,
} from './core/envelope.js';
export type { Clock } from './core/clock.js';
