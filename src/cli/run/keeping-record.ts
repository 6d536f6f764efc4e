/**
 * Works through scans. If an error, Ctrl-C or a scheduler's SIGTERM ends that, notes first what is done: results that
 * stay must have a record, and nobody makes them again.
 *
 * A signal ends the process as it would have without this; a second one does not wait for the record.
 *
 * @param record notes what is done, if anything is. Why the work failed matters more than that this did, too.
 */
export async function keepingRecord(
  work: () => Promise<void>,
  record: (interrupted?: number) => Promise<unknown>,
): Promise<void> {
  let end: Promise<never> | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    release()
    end = record(signal === 'SIGINT' ? 130 : 143)
      .catch(() => undefined)
      .then(() => {
        process.kill(process.pid, signal)
        return new Promise<never>(() => undefined)
      })
  }
  const release = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    await work()
  } catch (error) {
    if (!end) await record().catch(() => undefined)
    throw error
  } finally {
    release()
    // The work may end while the record is written, which must not be written twice.
    await end
  }
}
