//! The console: what to click, in order, with the exact names and documents.

use serde_json::{Value, json};

use super::RoleSetup;

struct Step {
    title: &'static str,
    url: String,
    text: String,
    document: Option<(&'static str, Value)>,
}

fn all(setup: &RoleSetup) -> Vec<Step> {
    let iam = format!("{}/iam/home#", setup.console());
    let RoleSetup { policy_name, role_name, account_id, .. } = setup;
    let path = match setup.role_path.as_str() {
        "/" => String::new(),
        path => format!(
            " The console makes roles without a path; this one has the path {path}, so make it by the command line."
        ),
    };
    vec![
        Step {
            title: "Create the policy",
            url: format!("{iam}/policies/create"),
            text: format!(
                "Signed in to the account {account_id}, open IAM, Policies, Create policy, choose JSON, replace what \
                 stands there by the document, press Next, name it {policy_name}, press Create policy. If there is a \
                 policy of this name: open it, Edit, JSON, replace the document, Save changes."
            ),
            document: Some(("policy_document", setup.policy.clone())),
        },
        Step {
            title: "Create the role",
            url: format!("{iam}/roles/create"),
            text: format!(
                "Open IAM, Roles, Create role, choose Custom trust policy, replace what stands there by the document, \
                 press Next, tick {policy_name}, press Next, name it {role_name}, press Create role. If there is a role \
                 of this name: open it, Trust relationships, Edit trust policy, replace the document, Update policy; \
                 then Permissions, Add permissions, Attach policies, tick {policy_name}.{path}"
            ),
            document: Some(("trust_document", setup.trust.clone())),
        },
        Step {
            title: "Check it",
            url: String::new(),
            text: format!(
                "Verify the integration: `telecine integration verify {}`, or POST /integrations/{{id}}/verify.",
                setup.called
            ),
            document: None,
        },
    ]
}

pub(super) fn steps(setup: &RoleSetup) -> Value {
    let steps = all(setup).into_iter().enumerate().map(|(at, step)| {
        let mut shown = json!({"step": at + 1, "title": step.title, "text": step.text});
        if !step.url.is_empty() {
            shown["url"] = step.url.into();
        }
        if let Some((name, document)) = step.document {
            shown[name] = document;
        }
        shown
    });
    steps.collect()
}

pub(super) fn text(setup: &RoleSetup) -> String {
    let mut text = String::new();
    for (at, step) in all(setup).into_iter().enumerate() {
        text.push_str(&format!("{}. {}\n\n{}\n", at + 1, step.title, step.text));
        if !step.url.is_empty() {
            text.push_str(&format!("\n{}\n", step.url));
        }
        if let Some((_, document)) = step.document {
            text.push_str(&format!("\n{document:#}\n"));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}
