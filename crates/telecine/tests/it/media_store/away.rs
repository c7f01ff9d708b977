//! A store of media that is away: requests are told to come again, work waits, and nothing is lost.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use telecine::asset::work_on_due;
use telecine::ids::{AssetId, TaskId};
use telecine::media_store::{MediaFolder, MediaKey, MediaKind};
use telecine::orphans;
use telecine::time::Clock;

use super::bucket_on_seaweedfs;
use crate::http::lab::Lab;
use crate::pipeline::media::silent;
use crate::support::servers::Servers;

fn asset(bytes: Vec<u8>) -> Form {
    Form::new().text("method", "direct").part("file", Part::bytes(bytes).file_name("pier.mp4"))
}

#[tokio::test]
async fn a_request_is_told_to_come_again_and_leaves_nothing() {
    let lab = Lab::with(|config| {
        config.media_store.url = Some("s3://films".into());
        // Nobody listens there.
        config.media_store.endpoint_url = Some("http://127.0.0.1:9".into());
        config.media_store.access_key_id = Some("id".into());
        let file = config.server.data_dir.with_extension("secret");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "secret").unwrap();
        config.media_store.secret_key_file = Some(file);
    })
    .await;
    let begun = Instant::now();
    let refused = lab.form("/v1.3/assets", asset(vec![1; 1000])).await;
    assert_eq!(refused.refusal(), (503, "service_unavailable".to_owned()), "{}", refused.text);
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(begun.elapsed() < Duration::from_secs(25), "it does not hang: {:?}", begun.elapsed());
    assert_eq!(lab.get("/v1.3/assets").await.json()["page_info"]["total_results"], 0);
    assert_eq!(fs::read_dir(lab.app.files.incoming()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_belongs_to_nothing_goes_when_it_is_old() {
    let servers = Servers::start(&["seaweedfs"]);
    let mut settings = telecine::config::Config::default();
    bucket_on_seaweedfs(&servers, &mut settings).await;
    let lab = Lab::with(|config| config.media_store = settings.media_store).await;
    let film = lab.folder.path().join("film.mp4");
    silent(&film, "640x360", 1);
    let made = lab.form("/v1.3/assets", asset(fs::read(&film).unwrap())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let kept: AssetId = made.json()["_id"].as_str().unwrap().parse().unwrap();
    work_on_due(&lab.app).await.unwrap();
    let media = &lab.app.media_store;
    let (stray, task) = (AssetId::generate(lab.app.clock.now()), TaskId::generate(lab.app.clock.now()));
    for key in [MediaKey::Asset(stray), MediaKey::Upload(task)] {
        let from = lab.folder.path().join("from");
        fs::write(&from, "left by a crash").unwrap();
        media.put(&key, &from).await.unwrap();
    }
    let now = telecine::time::SystemClock.now();
    assert_eq!(orphans::remove(&**media, &*lab.app.store, now).await.unwrap(), 0, "they may be another's");
    let later = now.after(Duration::from_secs(90_000));
    assert_eq!(orphans::remove(&**media, &*lab.app.store, later).await.unwrap(), 2);
    assert_eq!(media.size(&MediaKey::Asset(stray)).await.unwrap(), None);
    assert_eq!(media.size(&MediaKey::Upload(task)).await.unwrap(), None);
    assert_eq!(media.size(&MediaKey::Asset(kept)).await.unwrap(), Some(film.metadata().unwrap().len()));
    assert_eq!(fs::read_dir(lab.app.files.assets()).unwrap().count(), 0, "nothing is left on this host");
    media.remove(MediaFolder::Asset(kept)).await.unwrap();
    assert_eq!(futures::StreamExt::count(Arc::clone(media).list(MediaKind::Assets)).await, 0);
}
