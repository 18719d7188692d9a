/** A button that lies on a picture. */
import { Icon, type IconName } from '../parts/icon.js';

interface StageButtonProps {
  icon: IconName;
  /** Read aloud, and shown on hover. */
  label: string;
  pressed?: boolean;
  /** Of the icon, in CSS pixels; default 17. */
  size?: number;
  testid?: string;
  onClick: () => void;
}

/** An icon button on the picture. */
export function StageButton({ icon, label, pressed, size = 17, testid, onClick }: StageButtonProps) {
  return (
    <button type="button" class="stage-icon" aria-label={label} title={label} aria-pressed={pressed} data-testid={testid} onClick={onClick}>
      <Icon name={icon} size={size} />
    </button>
  );
}
