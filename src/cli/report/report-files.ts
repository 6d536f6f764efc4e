/** The page of all scans in a folder. */
export const indexPage = 'index.html'
/** The page of the runs that learnt there. */
export const trainingPage = 'training.html'

/** The page of one scan. */
export const pageOf = (name: string): string => `${name}_report.html`

/** All pages that a report of these scans may write. */
export const pagesOf = (names: readonly string[]): string[] => [...names.map(pageOf), indexPage, trainingPage]
