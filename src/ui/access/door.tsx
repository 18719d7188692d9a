/** The scene in front of the app: a card above a weir. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { Mark } from '../parts/icon.js';
import './door.css';

/** A card with the mark; `title` is also the page's title. */
export function Door({ title, text, children }: { title: string; text?: ComponentChildren; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Weir`;
  }, [title]);
  return (
    <main class="door">
      <Water />
      <section class="door-card">
        <div class="door-brand">
          <Mark size={34} />
          <span>Weir</span>
        </div>
        <h1>{title}</h1>
        {text !== undefined && <p class="second">{text}</p>}
        {children}
      </section>
    </main>
  );
}

const lines = 15;

function Water() {
  return (
    <svg class="water" viewBox="0 0 1600 700" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      {Array.from({ length: lines }, (_none, index) => (
        <path key={index} d={waterLine(index)} style={{ opacity: 0.9 - index * 0.05 }} />
      ))}
    </svg>
  );
}

function waterLine(index: number): string {
  const top = 250 + index * 15;
  const crest = 930 - index * 24;
  const fall = 235 - index * 3.5;
  const foot = crest + 190 + index * 4;
  return `M-20 ${top} H${crest} C${crest + 85} ${top} ${crest + 80} ${top + fall} ${foot} ${top + fall} S1480 ${top + fall - 5} 1640 ${top + fall + 3}`;
}
