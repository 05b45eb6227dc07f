/** Stands for a table of the application; tests replace it. */
export abstract class Rows {
  abstract deleteOld(): Promise<void>;
}
