// How a receiver knows that an event comes from here.
import { Code } from "../../ui/display";

const CHECK = `import hashlib, hmac, time

def is_ours(secret: str, header: str, body: bytes) -> bool:
    """header: TL-Signature, such as t=1711929600,v1=ab12…"""
    parts = dict(part.split("=", 1) for part in header.split(","))
    if abs(time.time() - int(parts["t"])) > 300:
        return False
    signed = parts["t"].encode() + b"." + body
    return hmac.compare_digest(parts["v1"], hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest())`;

export function HowToCheck() {
  return (
    <>
      <p>
        Every event is signed with it, in the header <code>TL-Signature</code> and by Standard Webhooks (
        <code>webhook-signature</code>); either will do. In Python:
      </p>
      <Code label="Checking a signature in Python" text={CHECK} />
    </>
  );
}
