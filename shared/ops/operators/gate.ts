/** Where work in many steps waits between two of them while its stage is paused. */
export class Gate {
  private opening: Promise<void> | undefined;
  private release: () => void = () => {};

  /** Shut, nobody passes until it is opened again. */
  shut(shut: boolean): void {
    if (shut) {
      this.opening ??= new Promise((resolve) => {
        this.release = resolve;
      });
    } else {
      this.opening = undefined;
      this.release();
    }
  }

  get isShut(): boolean {
    return this.opening !== undefined;
  }

  /** Resolves at once while it is open. */
  async pass(): Promise<void> {
    while (this.opening) await this.opening;
  }
}
