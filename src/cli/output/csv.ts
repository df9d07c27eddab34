/** Comma-separated values (RFC 4180), for spreadsheets. */

/** What a spreadsheet would take for a formula is made text (OWASP, CSV injection): rules and callers are named by others. */
const formula = /^[=+\-@\t\r]/

export function formatCsv(titles: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [titles, ...rows].map((row) => `${row.map(cellOf).join(',')}\r\n`).join('')
}

function cellOf(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
