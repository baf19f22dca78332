/** Numbers, days and lengths of time, as readers of the page's language write them. */

const LANGUAGE = 'en';
const whole = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const percents = new Intl.NumberFormat(LANGUAGE, { style: 'percent', maximumFractionDigits: 0 });
const days = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const moments = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(LANGUAGE, { timeStyle: 'short' });

export const number = (value: number): string => whole.format(value);

/** Never 100 % of what was not all of it, nor 0 % of what was not nothing. */
export function percent(part: number, of: number): string {
  if (of <= 0) return '–';
  const share = part / of;
  if (share > 0 && share < 0.01) return '< 1%';
  if (share < 1 && share > 0.99) return '> 99%';
  return percents.format(share);
}

/** `2026-11-26Z`, as the server names its days (UTC), to `Nov 26`. What is no day stays as it is. */
export function day(label: string): string {
  const time = Date.parse(`${label.replace(/Z$/, '')}T00:00:00Z`);
  return Number.isNaN(time) ? label : days.format(time);
}

/** ISO 8601, in the reader's own time. */
export function moment(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : moments.format(time);
}

export const timeOfDay = (at: Date): string => clock.format(at);

const unit = (name: string): Intl.NumberFormat =>
  new Intl.NumberFormat(LANGUAGE, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: 0 });
const [second, minute, hour] = [unit('second'), unit('minute'), unit('hour')];

/** In one unit: whoever waits wants to know whether there is time for tea. */
export function duration(seconds: number): string {
  if (seconds < 90) return second.format(seconds);
  if (seconds < 90 * 60) return minute.format(seconds / 60);
  return hour.format(seconds / 3600);
}
