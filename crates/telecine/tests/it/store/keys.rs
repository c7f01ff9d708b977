//! Keys and the workspaces that they open.

use telecine::ids::{KeyId, WorkspaceId};
use telecine::keys::{ApiKey, Caller};

use super::lab::Lab;

super::conformance!(
    the_default_workspace_is_made_once,
    a_key_opens_its_workspace_until_it_is_revoked,
    keys_are_listed_oldest_first_with_revoked_ones,
    a_stranger_revokes_nothing,
);

async fn key(lab: &Lab, name: &str, secret: u8) -> ApiKey {
    let key = ApiKey {
        id: KeyId::generate(lab.now()),
        workspace: Some(lab.workspace),
        name: name.to_owned(),
        prefix: format!("tlk_{name}"),
        created_at: lab.tick(),
        revoked_at: None,
        rate_limits: None,
    };
    lab.store.insert_key(&key, lab.workspace, [secret; 32]).await.unwrap();
    key
}

async fn the_default_workspace_is_made_once(lab: &Lab) {
    let ask = || lab.store.default_workspace(lab.now());
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    let answers: Vec<WorkspaceId> = [one, two, three].into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [lab.workspace; 3]);
}

async fn a_key_opens_its_workspace_until_it_is_revoked(lab: &Lab) {
    let key = key(lab, "laptop", 7).await;
    let caller = Caller { workspace: lab.workspace, key: key.id, rate_limits: None };
    assert_eq!(lab.store.caller([7; 32]).await.unwrap(), Some(caller));
    assert_eq!(lab.store.caller([8; 32]).await.unwrap(), None);
    assert!(lab.store.revoke_key(lab.workspace, key.id, lab.now()).await.unwrap());
    assert_eq!(lab.store.caller([7; 32]).await.unwrap(), None);
    assert!(!lab.store.revoke_key(lab.workspace, key.id, lab.now()).await.unwrap(), "only once");
}

async fn keys_are_listed_oldest_first_with_revoked_ones(lab: &Lab) {
    let (mut first, second) = (key(lab, "first", 1).await, key(lab, "second", 2).await);
    first.revoked_at = Some(lab.tick());
    lab.store.revoke_key(lab.workspace, first.id, lab.now()).await.unwrap();
    assert_eq!(lab.store.keys(lab.workspace).await.unwrap(), [first, second]);
    assert_eq!(lab.store.keys(lab.stranger()).await.unwrap(), []);
}

async fn a_stranger_revokes_nothing(lab: &Lab) {
    let key = key(lab, "laptop", 7).await;
    assert!(!lab.store.revoke_key(lab.stranger(), key.id, lab.now()).await.unwrap());
    assert!(lab.store.caller([7; 32]).await.unwrap().is_some());
}
