//! The process in which a local language model runs: llama.cpp, away from the server. Reads an order a line from its
//! input, writes the text piece by piece as JSON lines, and ends when its input does. Who starts it sets its limits.

mod model;
mod protocol;

use std::io::{BufRead, Write};
use std::process::ExitCode;

use model::{Model, Settings};
use protocol::{Line, Order};

fn main() -> ExitCode {
    let settings = match Settings::from_args(std::env::args_os().skip(1)) {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("telecine-writer: {problem}");
            return ExitCode::from(2);
        }
    };
    let mut model = match Model::load(&settings) {
        Ok(model) => model,
        Err(why) => {
            // Whoever started it may be gone already.
            let _ = say(&Line::Failed(why));
            return ExitCode::FAILURE;
        }
    };
    match say(&Line::Ready).and_then(|()| serve(&mut model)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("telecine-writer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(model: &mut Model) -> std::io::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let ended = model.write(&order, &mut |text| say(&Line::Text(text.to_owned())));
        say(&ended?)?;
    }
    Ok(())
}

fn say(line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&text)?;
    stdout.flush()
}
