import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';

export interface Email {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface SentEmail {
  readonly messageId: string;
  /** Where it was written, if it was not sent. */
  readonly file?: string;
}

const DEFAULTS = { from: 'Monolith service <monolith-service@example.com>' };

export abstract class Mailer {
  /** @param id the same for every try at one email: it becomes its Message-ID. */
  abstract send(id: string, email: Email): Promise<SentEmail>;
}

/** Sends emails over SMTP. */
export class SmtpMailer extends Mailer {
  readonly #transport;

  constructor(url: string) {
    super();
    this.#transport = createTransport(url, DEFAULTS);
  }

  async send(id: string, email: Email): Promise<SentEmail> {
    const { messageId } = await this.#transport.sendMail(messageOf(id, email));
    return { messageId };
  }
}

/** Writes emails to files that every mail program opens, for a machine without a mail server. */
export class FolderMailer extends Mailer {
  readonly #folder: string;
  readonly #transport = createTransport({ streamTransport: true, buffer: true }, DEFAULTS);

  constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  async send(id: string, email: Email): Promise<SentEmail> {
    const { message, messageId } = await this.#transport.sendMail(messageOf(id, email));
    await mkdir(this.#folder, { recursive: true });
    const file = join(this.#folder, `${id}.eml`);
    await writeFile(file, message);
    return { messageId, file };
  }
}

function messageOf(id: string, { to, subject, text }: Email) {
  return { messageId: `<${id}@example.com>`, to, subject, text };
}
