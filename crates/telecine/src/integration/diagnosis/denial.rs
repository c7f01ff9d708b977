//! Reads the sentence with which AWS refuses: who, what, on what, and which kind of policy decided. Pure.

/// A refusal, as far as AWS tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Denial {
    /// `arn:aws:sts::123456789012:assumed-role/Name/session`
    pub(super) user: Option<String>,
    /// `s3:ListBucket`
    pub(super) action: Option<String>,
    /// Its ARN.
    pub(super) resource: Option<String>,
    /// Whose policy decided.
    pub(super) by: Option<Decider>,
    /// Whether a statement forbids it; else none allows it.
    pub(super) is_explicit: bool,
}

/// Kinds of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decider {
    Identity,
    Resource,
    Session,
    Boundary,
    ServiceControl,
    ResourceControl,
    Endpoint,
    RoleTrust,
}

const DECIDERS: [(&str, Decider); 8] = [
    ("identity-based policy", Decider::Identity),
    ("resource-based policy", Decider::Resource),
    ("session policy", Decider::Session),
    ("permissions boundary", Decider::Boundary),
    ("service control policy", Decider::ServiceControl),
    ("resource control policy", Decider::ResourceControl),
    ("VPC endpoint policy", Decider::Endpoint),
    ("role trust policy", Decider::RoleTrust),
];

impl Denial {
    /// Of `User: U is not authorized to perform: A on resource: R because no X policy allows the A action`, or `with an
    /// explicit deny in a X policy`.
    pub(super) fn parse(message: &str) -> Self {
        let after = |label: &str| {
            let (_, rest) = message.split_once(label)?;
            let word = rest.split_whitespace().next()?;
            Some(word.trim_matches(['"', '\'', ',', '.']).to_owned())
        };
        let decider = |text: &str| DECIDERS.iter().find(|(name, _)| text.contains(name)).map(|(_, by)| *by);
        let explicit = message.split_once("explicit deny in a").map(|(_, rest)| rest);
        let implicit = message.split_once("because no ").map(|(_, rest)| rest);
        Self {
            user: after("User: "),
            action: after("not authorized to perform: "),
            resource: after(" on resource: "),
            by: explicit.or(implicit).and_then(decider),
            is_explicit: explicit.is_some(),
        }
    }

    /// The name of the user, where it is one of IAM.
    pub(super) fn user_name(&self) -> Option<&str> {
        let user = self.user.as_deref()?;
        let (_, path) = user.split_once(":user/")?;
        path.rsplit('/').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_endings_that_aws_documents_are_understood() {
        let user = "arn:aws:sts::123456789012:assumed-role/R/s";
        for (ending, by, is_explicit) in [
            ("because no identity-based policy allows the s3:ListBucket action", Decider::Identity, false),
            ("because no resource-based policy allows the s3:ListBucket action", Decider::Resource, false),
            ("because no session policy allows the s3:ListBucket action", Decider::Session, false),
            ("because no permissions boundary allows the s3:ListBucket action", Decider::Boundary, false),
            (
                "because no service control policy allows the s3:ListBucket action",
                Decider::ServiceControl,
                false,
            ),
            (
                "because no resource control policy allows the s3:ListBucket action",
                Decider::ResourceControl,
                false,
            ),
            ("because no VPC endpoint policy allows the s3:ListBucket action", Decider::Endpoint, false),
            ("with an explicit deny in an identity-based policy", Decider::Identity, true),
            ("with an explicit deny in a resource-based policy", Decider::Resource, true),
            ("with an explicit deny in a session policy", Decider::Session, true),
            ("with an explicit deny in a permissions boundary", Decider::Boundary, true),
            ("with an explicit deny in a service control policy", Decider::ServiceControl, true),
            ("with an explicit deny in a VPC endpoint policy", Decider::Endpoint, true),
            ("because no role trust policy allows the sts:AssumeRole action", Decider::RoleTrust, false),
        ] {
            let message = format!(
                "User: {user} is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::films\" {ending}"
            );
            let denial = Denial::parse(&message);
            assert_eq!((denial.by, denial.is_explicit), (Some(by), is_explicit), "{ending}");
            assert_eq!(denial.user.as_deref(), Some(user));
            assert_eq!(denial.action.as_deref(), Some("s3:ListBucket"));
            assert_eq!(denial.resource.as_deref(), Some("arn:aws:s3:::films"));
        }
        assert_eq!(Denial::parse("Access Denied"), Denial::default());
        let user = Denial::parse("User: arn:aws:iam::123456789012:user/path/alice is not authorized");
        assert_eq!(user.user_name(), Some("alice"));
    }
}
