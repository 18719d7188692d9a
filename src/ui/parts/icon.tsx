/** Line icons on a 20-unit grid; drawn with the current text colour. */
const paths = {
  wall: 'M3 4.5h6v5H3zM11 4.5h6v5h-6zM3 11.500h6v4.500H3zM11 11.500h6v4.500h-6z',
  streams: 'M3 6.500h9.500v7H3zM12.500 9l4.500-2.500v7L12.500 11',
  alert: 'M10 3.500 17 16H3zM10 8v3.500M10 13.700v.1',
  bell: 'M5 13.500V9a5 5 0 0 1 10 0v4.500l1.200 1.500H3.800zM8.300 17h3.400',
  system: 'M2.500 10.500h3l2-5.500 3.500 10 2.300-4.500h4.200',
  access:
    'M7.500 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.500 16.500c.4-3 2.300-4.500 5-4.500s4.600 1.500 5 4.500M13 4.200a2.700 2.700 0 0 1 0 5M14.500 12.300c1.800.6 2.800 2 3 4.200',
  audit: 'M5 3.500h10v13H5zM7.500 7h5M7.500 10h5M7.500 13h3',
  plus: 'M10 4v12M4 10h12',
  search: 'M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11zM13 13l4 4',
  close: 'M5 5l10 10M15 5 5 15',
  check: 'M4 10.500 8.200 15 16 5.500',
  play: 'M6 4l10 6-10 6z',
  stop: 'M5.500 5.500h9v9h-9z',
  restart: 'M16 10a6 6 0 1 1-2-4.500M16 3v3.500h-3.500',
  trash: 'M4 6h12M8 6V3.500h4V6M5.500 6l.7 10.500h7.600l.7-10.500M8.500 9v4.500M11.500 9v4.500',
  copy: 'M7.500 7.500h9v9h-9zM12.500 7.500v-4h-9v9h4',
  down: 'M5 8l5 5 5-5',
  up: 'M5 12l5-5 5 5',
  left: 'M12 5l-5 5 5 5',
  right: 'M8 5l5 5-5 5',
  more: 'M4.500 10h.1M10 10h.1M15.500 10h.1',
  user: 'M10 10a3.300 3.300 0 1 0 0-6.600 3.300 3.300 0 0 0 0 6.600zM3.500 17c.6-3.300 3-5 6.500-5s5.900 1.700 6.500 5',
  key: 'M12.500 10.500a3.500 3.500 0 1 0-3.300-2.300L3.500 14v2.500H6V14.500h2v-2h1.500l.9-2.100M13 6.900v.1',
  sun: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.500v1.500M10 16v1.500M2.500 10H4M16 10h1.500M4.700 4.700l1 1M14.300 14.300l1 1M4.700 15.300l1-1M14.300 5.700l1-1',
  moon: 'M16 12.500A6.500 6.500 0 0 1 7.500 4a6.500 6.500 0 1 0 8.500 8.500z',
  screen: 'M3 4.500h14v9H3zM7.500 16.500h5M10 13.500v3',
  exit: 'M8 3.500H3.500v13H8M12.500 6.500 16 10l-3.500 3.500M16 10H7.500',
  volume: 'M3.500 8v4H6l4 3.500v-11L6 8zM12.500 8a2.800 2.800 0 0 1 0 4M14.500 5.500a6.300 6.300 0 0 1 0 9',
  muted: 'M3.500 8v4H6l4 3.500v-11L6 8zM13 8l4 4M17 8l-4 4',
  full: 'M3.500 7.500v-4h4M12.500 3.500h4v4M16.500 12.500v4h-4M7.500 16.500h-4v-4',
  unfull: 'M7.500 3.500v4h-4M16.500 7.500h-4v-4M12.500 16.500v-4h4M3.500 12.500h4v4',
  pip: 'M2.500 4.500h15v11h-15zM10.500 9.500h5v4h-5z',
  camera: 'M3 6.500h3l1.300-2h5.400l1.300 2h3v9H3zM10 13.500a2.700 2.700 0 1 0 0-5.400 2.700 2.700 0 0 0 0 5.400z',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9v4.500M10 6.600v.1',
  grip: 'M7.500 5h.1M12.500 5h.1M7.500 10h.1M12.500 10h.1M7.500 15h.1M12.500 15h.1',
  link: 'M8.500 11.500 11.500 8.500M9.500 6l1.800-1.800a3.200 3.200 0 0 1 4.500 4.500L14 10.500M10.500 14l-1.800 1.800a3.200 3.200 0 0 1-4.500-4.500L6 9.500',
  eye: 'M2 10s2.800-5 8-5 8 5 8 5-2.800 5-8 5-8-5-8-5zM10 12.300a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600z',
  test: 'M3 4.500h14v11H3zM6.500 4.500v11M10 4.500v11M13.500 4.500v11',
  usb: 'M10 17V3.500M10 3.500 8 6M10 3.500 12 6M5.500 8.500v2.300L10 13M14.500 7v2.500L10 11.500',
  network: 'M10 16.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM3.500 10h13M10 3.500c-4 4-4 9 0 13M10 3.500c4 4 4 9 0 13',
  file: 'M5 2.500h6.500L15 6v11.500H5zM11.500 2.500V6H15',
  help: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM8 8.200c.2-1.200 1-1.900 2.100-1.900s2 .7 2 1.800c0 1.600-2.100 1.600-2.100 3.100M10 13.500v.1',
  nosignal:
    'M3 16.500 16.500 3.500M5.500 6a6.500 6.500 0 0 0 0 8M14.500 6a6.500 6.500 0 0 1 0 8M8 8.300a2.700 2.700 0 0 0 0 3.400M12 8.300a2.700 2.700 0 0 1 0 3.400',
  sliders: 'M3 6h7M14 6h3M3 14h3M10 14h7M12 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  terminal: 'M3 4.500h14v11H3zM6 8l2.500 2L6 12M10.500 12.500h3.500',
  chart: 'M3.500 3.500v13h13M6.500 12.500l3-3.500 2.500 2 4-5',
  clock: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 6v4l2.800 1.800',
  download: 'M10 3.500v9M6.500 9 10 12.500 13.500 9M3.500 16.500h13',
} as const;

export type IconName = keyof typeof paths;

const filled: ReadonlySet<IconName> = new Set<IconName>(['play', 'stop']);

/** Decoration only: the control around it carries the name. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  const dotted = name === 'more' || name === 'grip';
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill={filled.has(name) ? 'currentColor' : 'none'}
      stroke="currentColor"
      stroke-width={dotted ? 2.4 : 1.5}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** The mark: three levels of water going over the crest of a weir. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      stroke-width="2.6"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M3 9h11c5 0 5 4.500 8 4.500h7" />
      <path d="M3 16h8c5 0 5 4.500 8 4.500h10" opacity="0.72" />
      <path d="M3 23h5c5 0 5 4 8 4h13" opacity="0.42" />
    </svg>
  );
}
