/** Components whose code is fetched when they are first drawn. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Draws nothing until the code is there. */
export function lazyComponent(load: () => Promise<{ default: ComponentType }>): ComponentType {
  let known: ComponentType | undefined;
  return function Lazy() {
    const [Part, setPart] = useState<ComponentType | undefined>(() => known);
    useEffect(() => {
      if (known !== undefined) return;
      void load().then((module) => {
        known = module.default;
        setPart(() => module.default);
      });
    }, []);
    return Part === undefined ? null : <Part />;
  };
}
