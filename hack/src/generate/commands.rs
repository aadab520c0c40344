//! The command line: the help of every subcommand.

use std::fmt::Write as _;

use anyhow::Result;
use berth::cli::args::Cli;
use clap::{Command, CommandFactory};

use super::NOTICE;

/// Independent of the terminal it is made in.
const COLUMNS: usize = 100;

/// The help of `berth` and of each of its subcommands, with headings.
pub(super) fn text() -> Result<String> {
    let mut command = Cli::command().term_width(COLUMNS);
    command.build();
    let mut text = format!("# Commands\n\n{NOTICE}");
    write_help(&mut command, "berth", &mut text)?;
    Ok(text)
}

fn write_help(command: &mut Command, name: &str, text: &mut String) -> Result<()> {
    writeln!(text, "\n## {name}\n\n```")?;
    for line in command.render_long_help().to_string().trim_end().lines() {
        writeln!(text, "{}", line.trim_end())?;
    }
    writeln!(text, "```")?;
    for child in command.get_subcommands_mut().filter(|child| child.get_name() != "help") {
        let name = format!("{name} {}", child.get_name());
        write_help(child, &name, text)?;
    }
    Ok(())
}
