// What is said of integrations.
import { describe, expect, it } from "vitest";
import type { Integration } from "./data";
import { address, isUsable, reason, scheduleInWords, whyNoList } from "./words";

const made = (change: Partial<Integration>) =>
  ({
    provider: "aws_s3",
    bucket: "films",
    prefix: "",
    status: "active",
    drift: null,
    checks: [],
    ...change,
  }) as Integration;

describe("an integration", () => {
  it("leads to an address", () => {
    expect(address(made({}))).toBe("s3://films");
    expect(address(made({ provider: "gcs", prefix: "2024/" }))).toBe("gs://films/2024/");
  });

  it("tells why it is not well: what drifted, else the line that says so", () => {
    const warning = { name: "kms", title: "", outcome: "warning", detail: "seen" } as const;
    const failed = {
      name: "list",
      title: "",
      outcome: "failed",
      detail: "403",
      fault: { code: "list_denied", message: "The bucket may not be listed." },
    } as const;
    expect(reason(made({}))).toBeUndefined();
    expect(reason(made({ status: "degraded", checks: [warning] as never }))).toBe("seen");
    expect(reason(made({ status: "failed", checks: [warning, failed] as never }))).toBe(
      "The bucket may not be listed.",
    );
    expect(reason(made({ status: "failed", drift: "No longer listed.", checks: [failed] as never }))).toBe(
      "No longer listed.",
    );
    expect(reason(made({ status: "pending" }))).toContain("not verified");
  });

  it("gives its list only while it can be read", () => {
    for (const status of ["active", "degraded"] as const) {
      expect(isUsable(made({ status }))).toBe(true);
      expect(whyNoList(made({ status }))).toBeUndefined();
    }
    expect(whyNoList(made({ status: "pending" }))).toContain("finish its set-up");
    expect(whyNoList(made({ status: "failed" }))).toContain("what failed");
  });

  it("tells its schedule", () => {
    expect(scheduleInWords({ every_s: null, queue_url: null } as never)).toBe("Only when asked");
    expect(scheduleInWords({ every_s: 3600, queue_url: "https://…" } as never)).toBe(
      "By itself every 60 min, and whenever its queue tells a change",
    );
  });
});
