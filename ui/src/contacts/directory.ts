/** Units and contacts as the page shows them: their hours, the order of units, what a search finds. Pure. */
import type { Contact, Hours, Unit } from "../api/types";
import { pick, searchable } from "../format/search";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];
const WORKING_DAYS = 5;

/** Consecutive days as (first, last), in the order of the week. */
export function spans(days: readonly Day[]): [Day, Day][] {
  const found: [Day, Day][] = [];
  let last = -2;
  for (const [index, day] of DAYS.entries()) {
    if (!days.includes(day)) continue;
    const open = found.at(-1);
    if (open && index === last + 1) open[1] = day;
    else found.push([day, day]);
    last = index;
  }
  return found;
}

/** Hours of which none is left out: null for a unit, `{}` for a contact. */
export function isAlways(hours: Hours | null): boolean {
  return hours === null || (hours.days === null && hours.hours === null && hours.holidays === null);
}

/** What an office keeps, to begin a form with. */
export function officeHours(): Hours {
  return { days: DAYS.slice(0, WORKING_DAYS), hours: ["07:30-17:00"], holidays: "exclude" };
}

const PERIOD = /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

/** The periods that somebody typed, or null where one is none. */
export function periodsOf(text: string): string[] | null {
  const parts = text
    .split(",")
    .map((part) => part.trim().replaceAll("–", "-").replaceAll(" ", ""))
    .filter(Boolean);
  return parts.length > 0 && parts.every((part) => PERIOD.test(part)) ? parts : null;
}

export type UnitRow = { unit: Unit; contacts: Contact[] };

/** Units with their contacts in the order in which they are called; those that act in fewer places stand first. */
export function rowsOf(units: readonly Unit[], contacts: readonly Contact[], question: string): UnitRow[] {
  const rows = units.map((unit) => ({
    unit,
    contacts: contacts
      .filter((contact) => contact.unit === unit.id)
      .sort((a, b) => a.rank - b.rank || a.id.localeCompare(b.id)),
  }));
  const asked = question.trim() ? pick(rows, question, textOf) : rows;
  return [...asked].sort(
    (a, b) =>
      Number(a.unit.areas.length === 0) - Number(b.unit.areas.length === 0) ||
      a.unit.rank - b.unit.rank ||
      a.unit.name.vi.localeCompare(b.unit.name.vi, "vi"),
  );
}

function textOf({ unit, contacts }: UnitRow): string {
  return searchable(
    unit.name.vi,
    unit.name.en,
    unit.function?.vi,
    unit.function?.en,
    ...unit.areas.flatMap((area) => [area.name?.vi, area.name?.en]),
    ...contacts.flatMap((contact) => [contact.title.vi, contact.person, ...contact.methods.map((way) => way.value)]),
  );
}
