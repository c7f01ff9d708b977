//! `telecine serve`: the server. Starts HTTP, background work and, unless workers do it, work on videos.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::failure::{Failure, Outcome};
use super::process::{self, Part, StopSignals};
use super::settings::{DataArgs, DatabaseArgs, FileArgs, ModelsDirArgs, SetArgs, SharedArgs};
use super::show::say;
use super::worker;
use crate::app::{App, Role};
use crate::config::{ServerConfig, load, to_commented_toml};
use crate::integration::keeper;
use crate::{generate, http, keys, telemetry};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Address to listen on [env: TELECINE_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Base of the URLs that are handed out, such as those of thumbnails [default: as requests name the server]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Another endpoint for S3 and STS than AWS itself
    #[arg(long, value_name = "URL")]
    aws_endpoint_url: Option<String>,
    /// Write the admin key of the first start into this file, readable by its owner alone, instead of showing it
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
    /// Whether this server works on videos, too, or leaves that to `telecine worker`
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
    /// Print the settings as they would be, as a commented settings file, and exit
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    models: ModelsDirArgs,
    #[command(flatten)]
    set: SetArgs,
}

/// Runs the command.
pub(super) async fn run(args: ServeArgs) -> Outcome {
    let mut flags = args.file.flags();
    args.data.add_to(&mut flags);
    args.database.add_to(&mut flags);
    args.shared.add_to(&mut flags);
    args.models.add_to(&mut flags);
    flags.set("--listen", "server.listen", args.listen);
    flags.set("--public-url", "server.public_url", args.public_url);
    flags.set("--aws-endpoint-url", "aws.endpoint_url", args.aws_endpoint_url);
    args.set.add_to(&mut flags)?;
    let config = load(&flags)?;
    if args.print_config {
        say!("{}", to_commented_toml(&config).trim_end());
        return Ok(());
    }
    if args.role == Role::Api && !config.is_shared() {
        return Err(Failure::Usage(
            "`--role api` leaves the work on videos to workers, with which this server must share a database; name it \
             with --database or TELECINE_DATABASE"
                .to_owned(),
        ));
    }
    let telemetry = telemetry::init(&config).map_err(Failure::Usage)?;

    // Signals first: one that comes while models are loaded must not be lost.
    let mut stop = StopSignals::new()?;
    let listener = process::listen(config.server.listen).await?;
    let app = tokio::select! {
        app = App::open(config, args.role) => app?,
        () = stop.wait() => return Ok(()),
    };
    let address = listener.local_addr()?;
    let dashboard = dashboard_url(&app.config.server, address);
    make_first_key(&app, args.admin_key_file.as_deref(), &dashboard).await?;
    say!("The dashboard is at {dashboard}; `telecine dashboard` prints a link that signs in.");
    say!("Telecine {} is ready at http://{address}", env!("CARGO_PKG_VERSION"));
    tracing::info!(%address, data_dir = %app.files.path().display(), "the server is ready");

    let router = http::router(Arc::clone(&app));
    let answering = http::serve(listener, router, app.stopping.clone());
    let warming = tokio::spawn(warm(Arc::clone(&app)));
    let mut parts = vec![
        Part::fallible("requests are no longer taken", async {
            answering.await.map_err(|error| error.to_string())
        }),
        Part::new("integrations are no longer looked after", keeper::run(Arc::clone(&app))),
        Part::new("analyses are no longer worked on", generate::run(Arc::clone(&app))),
    ];
    if args.role.works() {
        parts.append(&mut worker::work(&app));
    }
    let ended = process::run(&app, parts, stop).await;
    warming.abort();
    telemetry.end().await;
    ended
}

/// Where a browser finds the dashboard: one on this machine, unless the settings say how others reach it.
fn dashboard_url(config: &ServerConfig, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    match &config.public_url {
        Some(url) => format!("{}/dashboard/", url.trim_end_matches('/')),
        None => format!("http://{address}/dashboard/"),
    }
}

/// The key of an installation that never had one.
async fn make_first_key(app: &App, file: Option<&Path>, dashboard: &str) -> Outcome {
    let workspace = app.store.default_workspace(app.clock.now()).await?;
    if !app.store.keys(workspace).await?.is_empty() {
        return Ok(());
    }
    // The file first: a key that nobody can read helps nobody.
    let sink = file.map(open_for_owner).transpose()?;
    let (key, secret) = keys::create(&*app.store, &*app.clock, workspace, "admin").await?;
    match sink.zip(file) {
        Some((mut sink, path)) => {
            writeln!(sink, "{secret}")?;
            sink.sync_all()?;
            say!("The admin key of this first start is in {}.", path.display());
        }
        None => {
            say!("This first start made an admin key. Keep it: it is shown only once.\n\n    {secret}\n");
            say!("For the commands: export TELECINE_API_KEY={secret}\n");
            let code = keys::session::make_code(&*app.store, &*app.clock, key.id).await?.secret;
            say!(
                "To open the dashboard, signed in (once, within ten minutes):\n\n    {dashboard}#code={code}\n"
            );
        }
    }
    Ok(())
}

fn open_for_owner(path: &Path) -> Outcome<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let cannot = |error| Failure::local(format!("cannot write the admin key to {}: {error}", path.display()));
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(cannot)?;
    // The mode above counts only for files that are new.
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    Ok(file)
}

/// Searches are quicker from the first one on; without it, they work all the same.
async fn warm(app: Arc<App>) {
    if let Err(error) = app.search.warm().await {
        tracing::warn!(%error, "the vector indexes cannot be loaded ahead");
    }
}
