/** What the process ends with. Programs may rely on it. */
export const EXIT = {
  done: 0,
  /** What was asked for is not there, not well, or did not succeed. */
  negative: 1,
  /** The command line is wrong; nothing was done. `EX_USAGE` of sysexits.h. */
  usage: 64,
  /** It could not be done, such as when Redis cannot be reached. `EX_SOFTWARE` of sysexits.h. */
  failed: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
