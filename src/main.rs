//! Arguments in, text and exit code out; the only file that prints.

use std::{
    io::{self, IsTerminal as _, Write as _},
    mem::ManuallyDrop,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
};

use clap::Parser as _;
#[cfg(feature = "github")]
use seaworthy::{cli, github};
use seaworthy::{
    cli::{Check, Cli, Command, Listing},
    date::Date,
    examples, init, inspect,
    report::{self, Format, Report, Style},
    rule,
    run::{self, RunError},
    threads,
};

/// The exit codes that no verdict gives.
const READY: u8 = 0;
const NO_ANSWER: u8 = 2;
const NOTHING: u8 = 3;

fn main() -> ExitCode {
    let cli = read_arguments();
    let answer = match cli.command.unwrap_or_else(|| Command::Check(Box::new(cli.check))) {
        Command::Check(options) => check(&options),
        Command::Inspect { file, format } => inspect(&file, format),
        Command::Test { rules, format } => test(rules.as_deref(), format),
        Command::Explain { rule, format } => explain(&rule, format),
        Command::Rules { format, rules } => list(&rules, format),
        Command::Checklist(options) => checklist(&options),
        Command::Init { path, format } => start(&path, format),
        #[cfg(feature = "github")]
        Command::Github(options) => {
            Ok(github::run(&options, &github::Ground::of_process(), &mut print))
        }
    };
    match answer {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error);
            ExitCode::from(NO_ANSWER)
        }
    }
}

#[cfg(feature = "github")]
fn read_arguments() -> Cli {
    let variable = |name: &str| std::env::var(name).ok();
    Cli::parse_from(cli::with_environment(std::env::args_os().collect(), variable))
}

#[cfg(not(feature = "github"))]
fn read_arguments() -> Cli {
    Cli::parse()
}

fn check(options: &Check) -> Result<u8, RunError> {
    if options.fix {
        let mended = run::fix(options)?;
        let _ = io::stderr().lock().write_all(mended.text().as_bytes());
    }
    // The process ends after this: what the report holds need not be given back.
    let report = ManuallyDrop::new(judge(options)?);
    for (format, path) in &options.output {
        let text = report::render(&report, *format, &Style::default());
        std::fs::write(path, text).map_err(|error| RunError::Path {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
    }
    print(&report::render(&report, options.format, &style(options)));
    Ok(report.verdict.exit_code())
}

fn checklist(options: &Check) -> Result<u8, RunError> {
    let report = judge(options)?;
    print(&match options.format {
        Format::Terminal => report::checklist::terminal(&report, &style(options)),
        Format::Json => report::checklist::json(&report),
        Format::Markdown => report::checklist::markdown(&report),
        _ => {
            let reason = "the checklist is printed as terminal, json or markdown; \
                          `seaworthy check` knows more";
            return Err(RunError::Argument(reason.into()));
        }
    });
    Ok(READY)
}

/// Runs the pipeline; people at a terminal see that it works when it takes long.
fn judge(options: &Check) -> Result<Report, RunError> {
    threads::lead(options.threads);
    if options.quiet || !io::stderr().is_terminal() {
        return run::check(options);
    }
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || show_progress(&waiting));
        let report = run::check(options);
        drop(done);
        report
    })
}

/// Counts the seconds on one line of the terminal until the other end hangs up, and wipes it.
fn show_progress(waiting: &mpsc::Receiver<()>) {
    let mut shown = false;
    for seconds in 1_u64.. {
        if waiting.recv_timeout(Duration::from_secs(1)) != Err(mpsc::RecvTimeoutError::Timeout) {
            break;
        }
        let _ = write!(io::stderr(), "\rjudging … {seconds} s");
        shown = true;
    }
    if shown {
        let _ = write!(io::stderr(), "\r{:20}\r", "");
    }
}

fn inspect(file: &Path, format: Listing) -> Result<u8, RunError> {
    let seen = inspect::json(run::parsed(file)?, file);
    let text = match format {
        Listing::Json => seen.to_string(),
        Listing::Terminal => format!("{seen:#}"),
    };
    print(&(text + "\n"));
    Ok(if seen["kind"].is_null() { NOTHING } else { READY })
}

fn test(folder: Option<&Path>, format: Listing) -> Result<u8, RunError> {
    let outcome = examples::run(&run::rules_of(folder)?)?;
    print(&match format {
        Listing::Terminal => outcome.text(),
        Listing::Json => outcome.json(),
    });
    Ok(match outcome.examples {
        0 => NOTHING,
        _ => u8::from(!outcome.failures.is_empty()),
    })
}

fn explain(id: &str, format: Listing) -> Result<u8, RunError> {
    let rules = run::all_rules(Path::new("."), &[])?;
    let rule = run::find_rule(&rules, id)?;
    print(&match format {
        Listing::Terminal => rule::explain(rule)?,
        Listing::Json => format!("{}\n", rule::explain_json(rule)?),
    });
    Ok(READY)
}

fn list(folders: &[PathBuf], format: Listing) -> Result<u8, RunError> {
    let rules = run::all_rules(Path::new("."), folders)?;
    print(&match format {
        Listing::Terminal => rule::list(&rules),
        Listing::Json => format!("{}\n", rule::list_json(&rules)),
    });
    Ok(READY)
}

fn start(root: &Path, format: Listing) -> Result<u8, RunError> {
    let written = init::init(root, Date::today()).map_err(|(path, error)| RunError::Path {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    print(&match format {
        Listing::Terminal => init::text(&written),
        Listing::Json => init::json(&written),
    });
    Ok(READY)
}

fn style(options: &Check) -> Style {
    let no_color =
        options.no_color || std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    let color = !no_color && io::stdout().is_terminal();
    Style { color, quiet: options.quiet, ..Style::default() }
}

/// A reader that has seen enough (`| head`) is no error.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn complain(error: &RunError) {
    let color = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let _ = io::stderr().lock().write_all(error.text(color).as_bytes());
}
