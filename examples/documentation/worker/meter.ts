/** Where an application writes its numbers: the client of a metrics system, say. */
export class Meter {
  readonly numbers: { readonly name: string; readonly label: string; readonly value: number }[] =
    [];

  record(name: string, label: string, value: number): void {
    this.numbers.push({ name, label, value });
  }
}
