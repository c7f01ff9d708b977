// What is asked for, and what is sent.
import { describe, expect, it } from "vitest";
import { FORMS, fieldsFor, missing, request } from "./fields";

describe("connecting", () => {
  it("asks only for what the credentials need", () => {
    const names = (credentials: string) => fieldsFor(FORMS.aws_s3, credentials).map((field) => field.name);
    expect(names("role")).toContain("account_id");
    expect(names("role")).not.toContain("secret_access_key");
    expect(names("anonymous")).not.toContain("account_id");
    expect(missing(fieldsFor(FORMS.aws_s3, "role"), { bucket: " " })).toEqual(["account_id", "bucket"]);
  });

  it("sends what was given, and nothing that belongs to other credentials", () => {
    const values = { account_id: " 123456789012 ", bucket: "films", secret_access_key: "left over", prefix: "" };
    expect(request("aws_s3", "role", fieldsFor(FORMS.aws_s3, "role"), values)).toEqual({
      provider: "aws_s3",
      credentials: "role",
      account_id: "123456789012",
      bucket: "films",
    });
  });

  it("sends links as a list and flags as what they mean", () => {
    const links = request("url_list", undefined, FORMS.url_list.fields, {
      bucket: "press",
      urls: "https://a/1.mp4\n\n https://a/2,3.mp4 ",
    });
    expect(links).toEqual({ provider: "url_list", bucket: "press", urls: ["https://a/1.mp4", "https://a/2,3.mp4"] });
    const store = request("s3_compatible", "anonymous", FORMS.s3_compatible.fields, {
      bucket: "b",
      virtual_hosted: "on",
    });
    expect(store).toMatchObject({ path_style: false });
    expect(store).not.toHaveProperty("virtual_hosted");
  });
});
