/** Pictures that a report names. Only those of this machine are ever fetched; others are told by their host. */

export type Photos = { own: string[]; foreign: string[] };

const PHOTOS_MAX = 12;

/** `media` is one address or several, with blanks, commas or lines between, or a JSON list of them. */
export function photosOf(media: unknown): Photos {
  const found: Photos = { own: [], foreign: [] };
  for (const text of addresses(media).slice(0, PHOTOS_MAX)) {
    const address = URL.canParse(text, location.origin) ? new URL(text, location.origin) : null;
    if (!address) continue;
    if (/^data:image\/(png|jpeg|webp|gif);base64,/.test(text)) found.own.push(text);
    else if (address.origin === location.origin && address.pathname.startsWith("/api/"))
      found.own.push(address.pathname + address.search);
    else if (address.protocol === "http:" || address.protocol === "https:") found.foreign.push(address.host);
  }
  return found;
}

function addresses(media: unknown): string[] {
  if (Array.isArray(media)) return media.filter((one): one is string => typeof one === "string");
  if (typeof media !== "string") return [];
  if (media.trim().startsWith("[")) {
    try {
      return addresses(JSON.parse(media));
    } catch {
      return [];
    }
  }
  // A comma parts addresses, and stands inside of a picture that is given as data.
  return media
    .split(/\s+/)
    .flatMap((text) => (text.startsWith("data:") ? [text] : text.split(",")))
    .filter(Boolean);
}
