// What lies over the page: dialogs, and short messages that may be undone.
import { type ReactNode, useEffect } from "react";
import * as Aria from "react-aria-components";
import { Button, IconButton } from "./controls";
import type { IconName } from "./icons";

export interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** Buttons, the one that does it last. */
  footer?: ReactNode;
  isWide?: boolean;
  /** Closes by its buttons only: what it shows is not shown again. */
  isSticky?: boolean;
  /** `alertdialog` for what asks before something is lost. */
  role?: "dialog" | "alertdialog";
}

/** A dialog: keeps the focus, closes by Escape, by its cross and (unless it asks something) by a click beside it; gives the
 * focus back. */
export function Dialog({ title, isOpen, onClose, children, footer, isWide, isSticky, role = "dialog" }: DialogProps) {
  return (
    <Aria.ModalOverlay
      className="overlay"
      isOpen={isOpen}
      onOpenChange={(open) => open || onClose()}
      isDismissable={role === "dialog" && !isSticky}
      isKeyboardDismissDisabled={isSticky}
    >
      <Aria.Modal className={isWide ? "modal wide" : "modal"}>
        <Aria.Dialog className="dialog" role={role}>
          <header>
            <Aria.Heading slot="title" level={2}>
              {title}
            </Aria.Heading>
            <IconButton icon="cross" label="Close" onPress={onClose} />
          </header>
          {children}
          {footer && <footer>{footer}</footer>}
        </Aria.Dialog>
      </Aria.Modal>
    </Aria.ModalOverlay>
  );
}

export interface QuestionProps extends Pick<DialogProps, "title" | "onClose" | "children"> {
  /** What is done on yes, and how it is told while it is being done. */
  yes: string;
  doing: string;
  /** The way out, which has the focus first. */
  no?: string;
  icon?: IconName;
  isDoing: boolean;
  /** Not before something else was ticked. */
  isDisabled?: boolean;
  onYes: () => void;
}

/** Asks before something is lost. */
export function Question({ no = "Keep it", yes, doing, icon, isDoing, isDisabled, onYes, ...dialog }: QuestionProps) {
  return (
    <Dialog
      role="alertdialog"
      isOpen
      footer={
        <>
          <Button onPress={dialog.onClose} autoFocus>
            {no}
          </Button>
          <Button kind="danger" icon={icon} isDisabled={isDisabled} isPending={isDoing} onPress={onYes}>
            {isDoing ? doing : yes}
          </Button>
        </>
      }
      {...dialog}
    />
  );
}

interface Message {
  text: string;
  /** For what can be taken back. */
  action?: { label: string; onPress: () => void };
}

const queue = new Aria.UNSTABLE_ToastQueue<Message>({ maxVisibleToasts: 3 });

/** Says that something was done. With an action it stays long enough to be reached by keyboard. */
export function toast(text: string, action?: Message["action"]) {
  queue.add({ text, action }, { timeout: action ? 30_000 : 10_000 });
}

/** Where messages appear; once, at the root. F6 goes to them and back. (The library promises it, and does not do it for a
 * region that comes and goes.) */
export function Toasts() {
  useEffect(() => {
    let before: Element | null = null;
    function go(event: KeyboardEvent) {
      const region = document.querySelector<HTMLElement>(".toasts");
      if (event.key !== "F6" || event.defaultPrevented || !region) return;
      event.preventDefault();
      if (region.contains(document.activeElement)) {
        if (before instanceof HTMLElement) before.focus();
        return;
      }
      before = document.activeElement;
      region.focus();
    }
    document.addEventListener("keydown", go);
    return () => document.removeEventListener("keydown", go);
  }, []);
  return (
    <Aria.UNSTABLE_ToastRegion queue={queue} className="toasts" aria-label="Messages">
      {({ toast: shown }) => (
        <Aria.UNSTABLE_Toast toast={shown} className="toast">
          <Aria.UNSTABLE_ToastContent>
            <Aria.Text slot="title">{shown.content.text}</Aria.Text>
          </Aria.UNSTABLE_ToastContent>
          {shown.content.action && (
            <Button
              onPress={() => {
                shown.content.action?.onPress();
                queue.close(shown.key);
              }}
            >
              {shown.content.action.label}
            </Button>
          )}
          <IconButton icon="cross" label="Dismiss" slot="close" />
        </Aria.UNSTABLE_Toast>
      )}
    </Aria.UNSTABLE_ToastRegion>
  );
}
