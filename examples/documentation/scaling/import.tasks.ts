import { Injectable } from '@nestjs/common';
import { InjectStem, type StemClient, Task } from 'nestjs-stem';

@Injectable()
export class ImportTasks {
  readonly imported: number[] = [];

  constructor(@InjectStem('imports') private readonly imports: StemClient) {}

  async importAll(rows: readonly number[]): Promise<void> {
    await this.imports.enqueueMany(rows.map((row) => ({ task: 'import.row', args: { row } })));
  }

  @Task('import.row', { stem: 'imports', ignoreResult: true })
  async row({ row }: { row: number }): Promise<void> {
    this.imported.push(row);
  }
}
