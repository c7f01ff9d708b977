//! `telecine integration verify`: the checklist, line by line as it comes, and what mends what is not well.

use futures::StreamExt;
use serde_json::{Value, json};

use super::{name_of, path_of};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::show::{self, say};

pub(super) async fn verify(client: &Client, integration: &str, json: bool) -> Outcome {
    let path = format!("{}/verify", path_of(&client.integration(integration).await?)?);
    let verified = match json {
        true => client.post(&path, &json!({})).await?,
        false => tell(client, &path).await?,
    };
    let status = verified["status"].as_str().unwrap_or_default();
    if json {
        show::print_json(&verified)?;
    } else {
        print_fixes(&verified);
        match status {
            "active" => say!("\n{} is active: its files can be read.", name_of(&verified)),
            "degraded" => say!("\n{} is degraded: its files can be read, but see above.", name_of(&verified)),
            _ => {
                say!("\n{} cannot be read yet: do what is said above, then verify again.", name_of(&verified))
            }
        }
    }
    if matches!(status, "active" | "degraded") { Ok(()) } else { Err(Failure::Told) }
}

/// Prints lines as they come; gives the integration, which comes last.
async fn tell(client: &Client, path: &str) -> Outcome<Value> {
    let mut parts = client.post_stream(path, &[("stream", "true".to_owned())]).await?;
    let (mut buffer, mut last) = (Vec::new(), None);
    while let Some(part) = parts.next().await {
        buffer.extend_from_slice(&part?);
        while let Some(at) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=at).collect();
            let mut line: Value = serde_json::from_slice(&line)?;
            match line["event"].as_str() {
                Some("check") => print_line(&line),
                Some("integration") => last = Some(line["integration"].take()),
                _ => {}
            }
        }
    }
    last.ok_or_else(|| Failure::local("the server ended before the verification did"))
}

fn print_line(check: &Value) {
    let outcome = check["outcome"].as_str().unwrap_or_default();
    let (title, detail) = (show::text(&check["title"]), show::text(&check["detail"]));
    say!("{:<13} {title}: {detail}", words(outcome));
}

fn words(outcome: &str) -> &str {
    match outcome {
        "not_needed" => "not needed",
        "not_supported" => "not told here",
        other => other,
    }
}

pub(super) fn print_checks(integration: &Value) {
    for check in integration["checks"].as_array().into_iter().flatten() {
        print_line(check);
    }
    print_fixes(integration);
}

/// What is not well, and how to mend it.
fn print_fixes(integration: &Value) {
    for check in integration["checks"].as_array().into_iter().flatten() {
        let (fault, fix) = (&check["fault"], &check["fix"]);
        if !fault.is_object() {
            continue;
        }
        say!("\n{}: {}", show::text(&fault["code"]), show::text(&fault["message"]));
        say!("  found   {}", show::text(&fault["value"]));
        if !fix.is_object() {
            say!("  next    {}", show::text(&fault["remedy"]));
            continue;
        }
        say!("  needed  {}", show::text(&fix["wrong"]));
        say!("  who     {}", who(fix["who"].as_str().unwrap_or_default()));
        for paste in fix["documents"].as_array().into_iter().flatten() {
            say!("\n  {}", show::text(&paste["place"]));
            if let Some(url) = paste["url"].as_str() {
                say!("  {url}");
            }
            say!("\n{:#}", paste["document"]);
        }
        if let Some(commands) = fix["commands"].as_array() {
            say!("\n  Or as commands:\n");
            for command in commands.iter().filter_map(Value::as_str) {
                say!("{command}\n");
            }
        }
        for (name, value) in fix["settings"].as_object().into_iter().flatten() {
            say!("\n  The operator sets {name} = {value}");
        }
        if fix["change"].is_object() {
            say!("\n  Change the integration (telecine integration edit): {}", fix["change"]);
        }
        say!("\n  Then check again: {}", show::text(&fix["again"]));
    }
}

fn who(who: &str) -> &str {
    match who {
        "owner" => "the owner of the bucket",
        "organization" => "those who administer the owner's AWS organization",
        "operator" => "the operator of this server",
        "you" => "you, who connected the bucket",
        _ => "nobody: it passes",
    }
}
