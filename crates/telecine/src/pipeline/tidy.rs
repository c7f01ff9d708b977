//! What a crash leaves behind: claims that nobody keeps, and work folders of tasks that need none. Runs once, before
//! the first claim.

use crate::app::App;
use crate::fault::Result;
use crate::ids::TaskId;
use crate::transfer::{Status, TaskSource};

/// Ends the claims of the process that was here before, and removes folders.
pub(super) async fn tidy(app: &App) -> Result<()> {
    let broken = app.store.break_claims(app.clock.now()).await?;
    if broken > 0 {
        tracing::info!(tasks = broken, "tasks that a former run had in hand go on");
    }
    for task in tasks_with_folders(app).await? {
        clear(app, task).await?;
    }
    Ok(())
}

async fn tasks_with_folders(app: &App) -> Result<Vec<TaskId>> {
    let mut tasks = Vec::new();
    let mut folders = match tokio::fs::read_dir(app.files.work()).await {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(tasks),
        Err(error) => return Err(anyhow::Error::from(error).into()),
    };
    while let Some(folder) = folders.next_entry().await.map_err(anyhow::Error::from)? {
        // What is not ours by name is left alone.
        tasks.extend(folder.file_name().to_str().and_then(|name| name.parse::<TaskId>().ok()));
    }
    Ok(tasks)
}

/// What a task needs of its folder.
enum Needs {
    /// Everything: the work is not over.
    Everything,
    /// What a client uploaded: the task can be retried.
    Upload,
    /// Nothing.
    Nothing,
}

/// By what the task has become.
async fn needs(app: &App, task: TaskId) -> Result<Needs> {
    let workspace = app.store.default_workspace(app.clock.now()).await?;
    Ok(match app.store.task(workspace, task).await? {
        Some(task) if !task.status.is_final() => Needs::Everything,
        Some(task) if task.status == Status::Failed && matches!(task.source, TaskSource::Upload { .. }) => {
            Needs::Upload
        }
        _ => Needs::Nothing,
    })
}

/// Removes what the task needs no more. Whether the work on it is over.
pub(super) async fn clear(app: &App, task: TaskId) -> Result<bool> {
    let files = &app.files;
    let cleared = async {
        match needs(app, task).await? {
            Needs::Everything => return Ok(false),
            Needs::Nothing => ignore_missing(tokio::fs::remove_dir_all(files.task(task)).await)?,
            Needs::Upload => {
                for path in [files.fetched(task), files.fetch_state(task), files.sound(task)] {
                    ignore_missing(tokio::fs::remove_file(path).await)?;
                }
            }
        }
        anyhow::Ok(true)
    };
    Ok(cleared.await?)
}

fn ignore_missing(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
