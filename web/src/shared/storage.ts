/** Browser storage that never throws: where it is forbidden or full, values simply are not kept. */

export interface Kept {
  read(): string | null;
  write(value: string): void;
  forget(): void;
}

/** A value kept until it is forgotten, shared by all tabs. */
export function keptForever(name: string): Kept {
  return kept(() => localStorage, name);
}

/** A value kept for this tab, over reloads. */
export function keptInTab(name: string): Kept {
  return kept(() => sessionStorage, name);
}

function kept(storage: () => Storage, name: string): Kept {
  const key = `tapstone.${name}`;
  return {
    read: () => quietly(() => storage().getItem(key)) ?? null,
    write: (value) => void quietly(() => storage().setItem(key, value)),
    forget: () => void quietly(() => storage().removeItem(key)),
  };
}

function quietly<Value>(action: () => Value): Value | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
