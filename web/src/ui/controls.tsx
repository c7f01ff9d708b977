// What is clicked, typed into and chosen from. Behaviour (keyboard, focus, screen readers) is React Aria's; the look is ours.
import { type ReactNode, useEffect } from "react";
import * as Aria from "react-aria-components";
import { Link } from "react-router";
import { announce } from "./announce";
import { Icon, type IconName } from "./icons";

type Kind = "plain" | "primary" | "danger" | "quiet";

export interface ButtonProps extends Omit<Aria.ButtonProps, "className" | "children"> {
  kind?: Kind;
  icon?: IconName;
  children: ReactNode;
}

/** What a button is while it waits: it keeps the focus and does nothing. (The library's own `isPending` announces it by a
 * reference to the button, which is gone as soon as what it waited for is done.) */
function useWaiting<Props extends Aria.ButtonProps>({ isPending, ...props }: Props, words: ReactNode) {
  const said = isPending && typeof words === "string" ? words : "";
  useEffect(() => {
    if (said) announce(said);
  }, [said]);
  const waits = { onPress: undefined, type: "button", "aria-disabled": true, "data-pending": true } as const;
  return isPending ? { ...props, ...waits } : props;
}

/** A button with words. While it waits, `isPending` keeps the focus and shows a wheel; its words say what it waits for. */
export function Button({ kind = "plain", icon, children, ...rest }: ButtonProps) {
  const props = useWaiting(rest, children);
  return (
    <Aria.Button className={`button ${kind}`} {...props}>
      {rest.isPending ? <span className="wheel" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </Aria.Button>
  );
}

/** A button that is an icon; its label is read aloud and shown as a tooltip. */
export function IconButton({
  icon,
  label,
  kind = "quiet",
  ...rest
}: Omit<ButtonProps, "children"> & { label: string }) {
  const props = useWaiting(rest, label);
  return (
    <Aria.TooltipTrigger delay={500}>
      <Aria.Button className={`button icon ${kind}`} aria-label={label} {...props}>
        {rest.isPending ? <span className="wheel" aria-hidden="true" /> : <Icon name={icon ?? "dot"} />}
      </Aria.Button>
      <Aria.Tooltip className="popover small">{label}</Aria.Tooltip>
    </Aria.TooltipTrigger>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  to,
  kind = "plain",
  icon,
  children,
}: {
  to: string;
  kind?: Kind;
  icon?: IconName;
  children: ReactNode;
}) {
  return (
    <Link className={`button ${kind}`} to={to}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

export interface TextFieldProps extends Omit<Aria.TextFieldProps, "className" | "children"> {
  label: string;
  /** The label is read aloud only. */
  isLabelHidden?: boolean;
  hint?: ReactNode;
  /** What is wrong with what was given. */
  error?: ReactNode;
  placeholder?: string;
  isMultiline?: boolean;
}

export function TextField({ label, isLabelHidden, hint, error, placeholder, isMultiline, ...rest }: TextFieldProps) {
  return (
    <Aria.TextField className="field" isInvalid={Boolean(error)} {...rest}>
      <Aria.Label className={isLabelHidden ? "visually-hidden" : undefined}>{label}</Aria.Label>
      {isMultiline ? (
        <Aria.TextArea placeholder={placeholder} spellCheck={false} />
      ) : (
        <Aria.Input placeholder={placeholder} />
      )}
      {hint && (
        <Aria.Text slot="description" className="hint">
          {hint}
        </Aria.Text>
      )}
      <Aria.FieldError className="error">{error}</Aria.FieldError>
    </Aria.TextField>
  );
}

export interface Choice {
  id: string;
  label: string;
  isDisabled?: boolean;
}

export interface SelectProps {
  label: string;
  /** The label is read aloud only. */
  isLabelHidden?: boolean;
  choices: readonly Choice[];
  value: string | null;
  onChange: (id: string) => void;
  hint?: ReactNode;
  placeholder?: string;
  isDisabled?: boolean;
}

/** One of a few. */
export function Select({
  label,
  isLabelHidden,
  choices,
  value,
  onChange,
  hint,
  placeholder = "Choose…",
  isDisabled,
}: SelectProps) {
  return (
    <Aria.Select
      className="field"
      selectedKey={value}
      onSelectionChange={(key) => key !== null && onChange(String(key))}
      placeholder={placeholder}
      isDisabled={isDisabled}
    >
      <Aria.Label className={isLabelHidden ? "visually-hidden" : undefined}>{label}</Aria.Label>
      <Aria.Button className="select-button">
        <Aria.SelectValue />
        <Icon name="down" />
      </Aria.Button>
      {hint && (
        <Aria.Text slot="description" className="hint">
          {hint}
        </Aria.Text>
      )}
      <Aria.Popover className="popover">
        <Aria.ListBox items={choices}>
          {(choice: Choice) => (
            <Aria.ListBoxItem id={choice.id} className="option" textValue={choice.label} isDisabled={choice.isDisabled}>
              {choice.label}
            </Aria.ListBoxItem>
          )}
        </Aria.ListBox>
      </Aria.Popover>
    </Aria.Select>
  );
}

/** A box to tick. Without words it needs `aria-label`. */
export function Checkbox({
  children,
  ...rest
}: Omit<Aria.CheckboxProps, "className" | "children"> & { children?: ReactNode }) {
  return (
    <Aria.Checkbox className="checkbox" {...rest}>
      {({ isSelected, isIndeterminate }) => (
        <>
          <span className="box" aria-hidden="true">
            {isIndeterminate ? "–" : isSelected ? <Icon name="check" /> : null}
          </span>
          {children}
        </>
      )}
    </Aria.Checkbox>
  );
}

export interface Action {
  id: string;
  label: string;
  onAction: () => void;
  isDisabled?: boolean;
}

/** A button that opens a list of actions. */
export function MenuButton({
  label,
  about,
  icon = "down",
  kind,
  actions,
}: {
  label: string;
  /** Of what, for screen readers, where several buttons have the same words. */
  about?: string;
  icon?: IconName;
  kind?: Kind;
  actions: readonly Action[];
}) {
  return (
    <Aria.MenuTrigger>
      <Button kind={kind}>
        {label}
        {about && <span className="visually-hidden"> of {about}</span>}
        <Icon name={icon} />
      </Button>
      <Aria.Popover className="popover" placement="bottom end">
        <Aria.Menu items={actions} onAction={(id) => actions.find((action) => action.id === id)?.onAction()}>
          {(action: Action) => (
            <Aria.MenuItem id={action.id} className="option" isDisabled={action.isDisabled}>
              {action.label}
            </Aria.MenuItem>
          )}
        </Aria.Menu>
      </Aria.Popover>
    </Aria.MenuTrigger>
  );
}

export interface Tab {
  id: string;
  label: ReactNode;
  content: ReactNode;
}

export function Tabs({
  label,
  tabs,
  selected,
  onSelect,
}: {
  label: string;
  tabs: readonly Tab[];
  selected?: string;
  onSelect?: (id: string) => void;
}) {
  return (
    <Aria.Tabs className="tabs" selectedKey={selected} onSelectionChange={onSelect && ((key) => onSelect(String(key)))}>
      <Aria.TabList className="tab-list" aria-label={label}>
        {tabs.map((tab) => (
          <Aria.Tab key={tab.id} id={tab.id} className="tab">
            {tab.label}
          </Aria.Tab>
        ))}
      </Aria.TabList>
      {tabs.map((tab) => (
        <Aria.TabPanel key={tab.id} id={tab.id}>
          {tab.content}
        </Aria.TabPanel>
      ))}
    </Aria.Tabs>
  );
}
