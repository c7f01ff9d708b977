// A text of the server in which `words` are code.
export function Prose({ text }: { text: string }) {
  const pieces = text.split(/`([^`]+)`/);
  return <p>{pieces.map((piece, at) => (at % 2 === 1 ? <code key={at}>{piece}</code> : piece))}</p>;
}
