// A picture to search by: dropped, pasted, chosen, or named by its URL; and the one that is searched by, to look at and remove.
import { type FormEvent, useEffect, useState } from "react";
import { DropZone, FileTrigger, Text } from "react-aria-components";
import { Button, IconButton, TextField } from "../../ui/controls";
import { formatClock } from "../../ui/format";
import { fileOf, holdFile, momentLink } from "./data";
import type { PictureRef } from "./state";

const TYPES = ["image/jpeg", "image/png"];

export function PictureField({ onPicture }: { onPicture: (picture: PictureRef) => void }) {
  const [url, setUrl] = useState("");
  const [wrong, setWrong] = useState<string>();
  function take(file: File | null | undefined) {
    if (!file) return;
    if (!TYPES.includes(file.type)) {
      setWrong(`“${file.name}” is ${file.type || "of an unknown kind"}: choose a JPEG or PNG file.`);
      return;
    }
    holdFile(file);
    onPicture({ kind: "file", name: file.name });
  }
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      if (!file) return;
      event.preventDefault();
      take(file);
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const given = url.trim();
    if (/^https?:\/\/\S+$/.test(given)) onPicture({ kind: "url", url: given });
    else setWrong("A URL begins with http:// or https://.");
  }
  return (
    <div className="search-picture-field">
      <DropZone
        className="search-drop"
        getDropOperation={(types) => (types.has("Files") || TYPES.some((type) => types.has(type)) ? "copy" : "cancel")}
        onDrop={async ({ items }) => {
          const item = items.find((each) => each.kind === "file");
          if (item?.kind === "file") take(await item.getFile());
        }}
      >
        <Text slot="label">Drop or paste a picture here</Text>
        <FileTrigger acceptedFileTypes={TYPES} onSelect={(files) => take(files?.[0])}>
          <Button icon="picture">Choose a file…</Button>
        </FileTrigger>
        <span className="small soft">JPEG or PNG, at least 64 × 64 pixels, at most 32 MB</span>
      </DropZone>
      <form className="stack" onSubmit={submit}>
        <TextField
          label="… or the URL of a picture"
          value={url}
          onChange={setUrl}
          placeholder="https://"
          hint="The server fetches it. Only a picture by its URL can be shared with the address of this page."
        />
        <div>
          <Button type="submit" isDisabled={!url.trim()}>
            Search by this URL
          </Button>
        </div>
      </form>
      {wrong && (
        <p className="search-wrong" role="alert">
          {wrong}
        </p>
      )}
    </div>
  );
}

/** The picture that is searched by. */
export function ChosenPicture({
  picture,
  index,
  nameOf,
  onRemove,
}: {
  picture: PictureRef;
  index: string | null;
  nameOf: (video: string) => string;
  onRemove: () => void;
}) {
  const source = useSource(picture, index);
  const words =
    picture.kind === "url"
      ? picture.url
      : picture.kind === "file"
        ? picture.name
        : `like ${nameOf(picture.video)} at ${formatClock(picture.at, true)}`;
  return (
    <div className="search-chosen-picture">
      {source && <img src={source} alt="" />}
      <span className="breakable">
        <strong>Picture:</strong> {words}
        {picture.kind === "file" && (
          <span className="small soft"> (from your computer: it is not part of the address)</span>
        )}
      </span>
      <IconButton icon="cross" label="Search without the picture" onPress={onRemove} />
    </div>
  );
}

/** What can be shown of it. Pictures elsewhere are not loaded into this page: the server alone fetches them. */
function useSource(picture: PictureRef, index: string | null): string | undefined {
  const [source, setSource] = useState<string>();
  const file = fileOf(picture);
  useEffect(() => {
    let isOver = false;
    setSource(undefined);
    if (file) {
      const url = URL.createObjectURL(file);
      setSource(url);
      return () => URL.revokeObjectURL(url);
    }
    if (picture.kind === "moment" && index) {
      const shown = momentLink(index, picture.video, picture.at);
      shown.then((link) => isOver || setSource(link)).catch(() => {});
    }
    return () => {
      isOver = true;
    };
  }, [picture, index, file]);
  return source;
}
