import { useState } from "react";

/** Something that this browser remembers. */
export function useKept(key: string, usual: string): [string, (value: string) => void] {
  const [value, set] = useState(() => {
    try {
      return localStorage.getItem(key) ?? usual;
    } catch {
      return usual;
    }
  });
  return [
    value,
    (next) => {
      set(next);
      try {
        localStorage.setItem(key, next);
      } catch {
        // It is forgotten with the page.
      }
    },
  ];
}
