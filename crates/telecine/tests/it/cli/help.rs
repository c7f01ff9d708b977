//! The texts of `--help`, as people read them on 80 columns.

use clap::Command;

#[test]
fn help_texts_of_all_commands() {
    let mut texts = Vec::new();
    let mut command = telecine::cli::command().term_width(80).version("0");
    command.build();
    add(&mut command, "telecine", &mut texts);
    insta::assert_snapshot!(texts.join("\n"));
}

fn add(command: &mut Command, path: &str, texts: &mut Vec<String>) {
    let help = command.clone().term_width(80).render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    texts.push(format!("━━━ {path} ━━━\n{}\n", lines.join("\n")));
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        let sub = command.find_subcommand_mut(name).expect("it was just named");
        add(sub, &format!("{path} {name}"), texts);
    }
}
