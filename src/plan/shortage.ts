import { UserError } from '../errors.js'

/** A graph that does not fit into the device. What the message advises is up to the program: not all have batches. */
export class Shortage extends UserError {
  /** @param describe the message, given what saves memory */
  constructor(
    private readonly describe: (saving: string) => string,
    saving = 'a smaller batch',
  ) {
    super(describe(saving))
  }

  /** The same with other advice. */
  advising(saving: string): Shortage {
    return new Shortage(this.describe, saving)
  }
}
