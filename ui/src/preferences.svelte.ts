/** What this desk remembers: theme, language, sound, alerts by incident. Kept in the browser, nowhere else. */

export type Theme = "dark" | "light";
export type Language = "vi" | "en";

function recall(name: string): string | null {
  try {
    return localStorage.getItem(`ioc.${name}`);
  } catch {
    return null; // storage may be forbidden; the defaults stand
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`ioc.${name}`, value);
  } catch {
    // storage may be forbidden; the choice lasts until the page closes
  }
}

let theme = $state<Theme>(recall("theme") === "light" ? "light" : "dark");
let language = $state<Language>(recall("language") === "en" ? "en" : "vi");
let sound = $state(recall("sound") !== "off");
let grouped = $state(recall("grouped") === "on");

export const preferences = {
  get theme(): Theme {
    return theme;
  },
  set theme(value: Theme) {
    theme = value;
    document.documentElement.dataset.theme = value;
    keep("theme", value);
  },
  get language(): Language {
    return language;
  },
  set language(value: Language) {
    language = value;
    document.documentElement.lang = value;
    keep("language", value);
  },
  get sound(): boolean {
    return sound;
  },
  set sound(value: boolean) {
    sound = value;
    keep("sound", value ? "on" : "off");
  },
  get grouped(): boolean {
    return grouped;
  },
  set grouped(value: boolean) {
    grouped = value;
    keep("grouped", value ? "on" : "off");
  },
};
