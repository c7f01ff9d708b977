//! `telecine migrate`: brings the database to the shape of this version, or moves a SQLite one into PostgreSQL.

use std::path::PathBuf;

use clap::Args;

use super::failure::{Failure, Outcome};
use super::settings::{DataArgs, DatabaseArgs, FileArgs, SharedArgs};
use super::show::say;
use crate::app::{FolderLock, open_store};
use crate::cluster;
use crate::config::load;
use crate::files::DataDir;
use crate::media_store;
use crate::store::postgres::{Move, Moved};

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// Data folder of a server that has worked alone: all that its SQLite database holds is moved into the database that
    /// --database names, which must be empty
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    shared: SharedArgs,
}

/// Runs the command.
pub(super) async fn run(args: MigrateArgs) -> Outcome {
    let mut flags = args.file.flags();
    args.data.add_to(&mut flags);
    args.database.add_to(&mut flags);
    args.shared.add_to(&mut flags);
    let config = load(&flags)?;
    let Some(folder) = args.from else {
        let database = open_store(&config).await?.database().await?;
        say!(
            "The database ({} {}, {} MB) has the shape of this version.",
            database.kind,
            database.version,
            database.size_bytes / 1_000_000
        );
        return Ok(());
    };
    let Some(url) = &config.database.url else {
        return Err(Failure::Usage(
            "name the database to move to, with --database or TELECINE_DATABASE".to_owned(),
        ));
    };
    let files = DataDir::new(&folder);
    if !files.database().exists() {
        return Err(Failure::Usage(format!("there is no database in {}", folder.display())));
    }
    let _lock = FolderLock::take(&files).map_err(|_| {
        Failure::Usage(format!("a server works on {}; stop it first, it stays as it is", folder.display()))
    })?;
    move_database(&files, url.reveal()).await?;
    // From here on, no server with another key begins on it and seals secrets that the others cannot read.
    let key = config.secrets.key_file.clone().unwrap_or_else(|| files.secrets_key());
    if key.exists() {
        cluster::open_vault(&*open_store(&config).await?, &key, &files).await?;
    }
    let to = media_store::open(&config, &DataDir::new(&config.server.data_dir))?;
    if config.media_store.url.is_some() {
        let copied = media_store::copy_all(&files, &*to, |_| ()).await?;
        say!("{} files ({} MB) are in {}.", copied.files, copied.bytes / 1_000_000, to.place());
    } else {
        say!(
            "Streams, assets and uploads stay in {}; name a place that all hosts see with --media.",
            folder.display()
        );
    }
    say!(
        "The old data folder stays as it is. Give its secrets.key to every server and worker (secrets.key_file), or sealed \
         secrets cannot be read."
    );
    Ok(())
}

async fn move_database(files: &DataDir, url: &str) -> Outcome {
    let moving = Move::begin(&files.database(), url).await?;
    moving.run(|moved| tell("moved", moved)).await?;
    let rows = moving.verify(|moved| tell("compared", moved)).await?;
    say!("{rows} rows are in the new database, each compared with the old one.");
    Ok(())
}

fn tell(what: &str, moved: Moved<'_>) {
    if moved.rows > 0 {
        eprintln!("{what}: {} ({} rows)", moved.table, moved.rows);
    }
}
