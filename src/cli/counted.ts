/** `1 scan`, `2 scans` */
export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
