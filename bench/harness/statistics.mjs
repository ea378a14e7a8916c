// Medians and their company.

/** The middle of a list of numbers, or the mean of the two in the middle; nothing for an empty list. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]
  return sorted.length === 0 ? undefined : (sorted[middle - 1] + sorted[middle]) / 2
}

/** `{ median, min, max, count }` of the values that are numbers; nothing if none is. */
export function summarize(values) {
  const numbers = values.filter(Number.isFinite)
  if (numbers.length === 0) return undefined
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers), count: numbers.length }
}
