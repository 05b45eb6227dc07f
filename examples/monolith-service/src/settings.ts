import { fileURLToPath } from 'node:url';

const { PORT, SMTP_URL, MAIL_DIR } = process.env;

/** What the environment says, besides the `STEM_*` variables, which Stem reads itself. */
export const settings = {
  /** 0 takes any free port. */
  port: readPort(PORT || '8080'),
  /** `smtp://user:password@host:port`; without it, emails are written to `mailDir`. */
  smtpUrl: SMTP_URL || undefined,
  mailDir: MAIL_DIR || fileURLToPath(new URL('../mail', import.meta.url)),
};

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT is '${text}'; expected a number from 0 to 65535.`);
}
