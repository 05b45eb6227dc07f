/** Stands for what writes the files. */
export class Renderer {
  readonly written: string[] = [];

  async renderTo(path: string): Promise<void> {
    this.written.push(path);
  }
}
