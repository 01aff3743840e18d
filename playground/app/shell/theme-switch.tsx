import { useCell } from "../state/cell.ts";
import { chooseTheme, type Theme, theme } from "../state/theme.ts";
import { Icon, type IconName } from "../ui/icon.tsx";

const choices: readonly (readonly [Theme, string, IconName])[] = [
  ["light", "Light", "sun"],
  ["dark", "Dark", "moon"],
  ["system", "As the system", "screen"],
];

/** Light, dark, or as the system is. */
export function ThemeSwitch() {
  const chosen = useCell(theme);
  return (
    <fieldset className="switch theme-switch">
      <legend className="hidden-text">Theme</legend>
      {choices.map(([choice, label, icon]) => (
        <label key={choice} title={label}>
          <input
            type="radio"
            name="theme"
            value={choice}
            checked={chosen === choice}
            onChange={() => chooseTheme(choice)}
          />
          <span>
            <Icon name={icon} />
            <span className="hidden-text">{label}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
