// "Copy as code": the search as a command and as programs.
import { Tabs } from "../../ui/controls";
import { Code } from "../../ui/display";
import { Dialog } from "../../ui/overlays";
import { codeOf, LANGUAGES, type Language } from "./code";
import type { SearchRequest } from "./request";
import type { PictureRef } from "./state";

export function CodeDialog({
  request,
  picture,
  language,
  onLanguage,
  onClose,
}: {
  request: SearchRequest;
  picture: PictureRef | null;
  /** Closed without one. */
  language: Language | null;
  onLanguage: (language: Language) => void;
  onClose: () => void;
}) {
  const source = { origin: window.location.origin, request, picture };
  return (
    <Dialog title="This search as code" isOpen={language !== null} onClose={onClose} isWide>
      <p className="soft">
        It does this very search. <code>TELECINE_API_KEY</code> is a variable of the environment that holds a key (page
        “API keys”).
        {picture?.kind === "file" && ` It expects your picture in the folder that it is run in.`}
      </p>
      <Tabs
        label="Languages"
        selected={language ?? "curl"}
        onSelect={(id) => onLanguage(id as Language)}
        tabs={LANGUAGES.map(({ id, label }) => ({
          id,
          label,
          content: <Code label={`The search in ${label}`} text={codeOf(id, source)} />,
        }))}
      />
    </Dialog>
  );
}
