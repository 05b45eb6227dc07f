export class ReportsModule {}
export interface ReportArgs {
  readonly month: string;
}
