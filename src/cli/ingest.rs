//! `exchequer ingest`: posts the charges of files and pipes (rules C6, C7).
//!
//! One thread reads, this one posts; a few pages are on their way to the disk at a time. What is called durable has
//! been waited for, in order.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::path::PathBuf;

use clap::ValueEnum;

use super::arguments::cycle;
use super::failure::Failure;
use super::pages::{Pages, Reading, Step, display_name, is_stdin};
use super::progress::{Form, Progress};
use super::summary::Summary;
use super::{Globals, Output, Verdict, console, data_dir, replace_period};
use crate::clock::Stopwatch;
use crate::domain::charge_batch::ChargeBatch;
use crate::domain::ids::Currency;
use crate::domain::time::Cycle;
use crate::engine::{Engine, EngineError, OnError, Pending, PostReport};
use crate::ingest::{Format, Page, RowFault, code};

/// Pages handed to the engine and not yet durable.
const PAGES_IN_FLIGHT: usize = 8;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Charge files, plain or gzip; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// How the files are written.
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,
    /// The source of rows that name none; charges of different sources are never duplicates of each other.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Open the accounts that are not known yet; without it their rows are rejected.
    #[arg(long)]
    pub(super) open_accounts: bool,
    /// Also read rows that are not quite as they should be, and say so.
    #[arg(long)]
    pub(super) lenient: bool,
    /// What to do at a row that can't be posted.
    #[arg(long, value_enum, default_value_t = ErrorChoice::Continue)]
    on_error: ErrorChoice,
    /// Post rows although another import has posted for the same source, account and cycle.
    #[arg(long)]
    append: bool,
    /// Take the files as the whole of a month, delivered again, and post what its sums differ by.
    ///
    /// All files together must be the whole month of each of their sources. For each payer, cloud account, category,
    /// service, sku and currency, the difference to what was posted for that source and cycle is posted as an
    /// adjustment; what the delivery no longer has is taken back. This concerns billing accounts that pay for charges of the
    /// delivery, and no others. Of a report of a cloud (CSV), which is for one billing account of that cloud, it
    /// concerns only cloud accounts with the same first payer as one in the report. Whatever else was posted for
    /// these sources is left as it is, and counted.
    ///
    /// Nothing is posted unless every row can be read, is of a known account, and belongs to that month; accounts that
    /// --open-accounts opens stay. Ids are not compared: a row that is there twice counts twice. Run the command again
    /// after a crash: it posts what is missing.
    #[arg(long, value_name = "YYYY-MM", value_parser = cycle, conflicts_with_all = ["append", "on_error"])]
    replace_period: Option<Cycle>,
    /// How to show on stderr how far it is.
    #[arg(long, value_enum, default_value_t = Form::Auto)]
    progress: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum FormatChoice {
    /// Found out from the content.
    Auto,
    /// FOCUS CSV 1.0 to 1.3.
    Focus,
    /// AWS cost and usage report (CUR) as CSV.
    AwsCur,
    /// Azure cost export of an enterprise agreement, actual or amortized, as CSV.
    AzureEa,
    /// Cost report of Oracle Cloud Infrastructure as CSV.
    Oci,
    /// One charge as a JSON object a line.
    Ndjson,
    /// MessagePack: charges as maps or arrays, one after the other or in one array.
    Msgpack,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum ErrorChoice {
    /// Go on with the other rows.
    Continue,
    /// Submit nothing after it.
    Stop,
}

pub(super) fn run(globals: &Globals, arguments: &Arguments) -> Result<Verdict, Failure> {
    let files = &arguments.files;
    // No ledger is made for files that are not there.
    let readable = files.iter().any(|path| is_stdin(path) || File::open(path).is_ok());
    let engine = readable.then(|| data_dir::open_or_create(globals)).transpose()?;
    let sizes =
        files.iter().map(|path| fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len()));
    let progress = Progress::start(arguments.progress, sizes.sum());
    let clock = Stopwatch::start();
    let reading = Reading {
        format: match arguments.format {
            FormatChoice::Auto => None,
            FormatChoice::Focus => Some(Format::Focus),
            FormatChoice::AwsCur => Some(Format::AwsCur),
            FormatChoice::AzureEa => Some(Format::AzureEa),
            FormatChoice::Oci => Some(Format::Oci),
            FormatChoice::Ndjson => Some(Format::Ndjson),
            FormatChoice::Msgpack => Some(Format::Msgpack),
        },
        lenient: arguments.lenient,
        source: arguments.source.clone(),
    };
    if let Some(cycle) = arguments.replace_period {
        return replace_period::run(globals, arguments, cycle, engine, reading, progress);
    }
    let Imported { summary, input, outcome } = import(engine.as_ref(), arguments, reading, progress)?;
    let printed = match globals.output {
        Output::Json => console::print_json(&summary.json(clock.elapsed())),
        Output::Text => console::print(&summary.text(clock.elapsed(), globals)),
    };
    if let Err(error) = outcome {
        let (name, rows) = (display_name(&files[input]), summary.rows());
        let attempt = format!("cannot go on importing `{name}`: {rows} rows are durable");
        let hint = "mend the fault and run the same command again: what was posted is not posted twice";
        // Closing tells the fault that stopped the engine, which a call that met its end need not know.
        let fault = engine.and_then(|engine| engine.close().err()).unwrap_or(error);
        return Err(Failure::because(attempt, &fault, hint));
    }
    engine.map_or(Ok(()), data_dir::close)?;
    for hint in summary.hints() {
        eprintln!("hint: {hint}");
    }
    // All of it is posted, whether or not somebody reads about it.
    match printed {
        Err(failure) if !failure.is_closed_output() => Err(failure),
        _ => Ok(Verdict::of(summary.is_good())),
    }
}

impl Arguments {
    /// Posts the charges of one file, and opens the accounts that are not known.
    pub(super) fn of_file(file: PathBuf) -> Self {
        Self {
            files: vec![file],
            format: FormatChoice::Auto,
            source: None,
            open_accounts: true,
            lenient: false,
            on_error: ErrorChoice::Continue,
            append: false,
            replace_period: None,
            progress: Form::None,
        }
    }
}

/// What an import came to.
pub(super) struct Imported {
    /// What was posted.
    pub(super) summary: Summary,
    /// The input that was read last.
    pub(super) input: usize,
    /// Whether the engine went along to the end.
    pub(super) outcome: Result<(), EngineError>,
}

/// Reads all inputs as `reading` says, and posts them as `arguments` say; `engine` is none where none can be read.
pub(super) fn import(
    engine: Option<&Engine>,
    arguments: &Arguments,
    reading: Reading,
    progress: Progress,
) -> Result<Imported, Failure> {
    let pages = Pages::read(arguments.files.clone(), reading)?;
    let names: Vec<_> = arguments.files.iter().map(|path| display_name(path)).collect();
    let mut import = Import {
        engine,
        arguments,
        in_flight: VecDeque::new(),
        summary: Summary::new(names, arguments.lenient),
        progress,
        input: 0,
        pages: &pages,
    };
    let outcome = import.run();
    import.progress.finish();
    let Import { summary, input, .. } = import;
    Ok(Imported { summary, input, outcome })
}

/// A page on its way to the disk.
struct InFlight {
    input: usize,
    page: Box<Page>,
    pending: Pending,
}

/// One run of `ingest`.
struct Import<'a> {
    /// None where no input can be read.
    engine: Option<&'a Engine>,
    arguments: &'a Arguments,
    in_flight: VecDeque<InFlight>,
    summary: Summary,
    progress: Progress,
    /// The input at hand.
    input: usize,
    pages: &'a Pages,
}

impl Import<'_> {
    fn run(&mut self) -> Result<(), EngineError> {
        let mut inputs_left = self.arguments.files.len();
        loop {
            let step = match self.pages.try_next() {
                Some(step) => step,
                // While the reader is slow, what was submitted is waited for.
                None if !self.in_flight.is_empty() => {
                    self.settle_one()?;
                    continue;
                }
                None => match self.pages.next() {
                    Some(step) => step,
                    None => break,
                },
            };
            match step {
                Step::Page { input, format, page } => {
                    self.input = input;
                    if self.take(input, format, page)? {
                        return Ok(());
                    }
                }
                Step::End { input, fault } => {
                    inputs_left -= 1;
                    self.settle_all()?;
                    self.progress.ended(self.summary.rows());
                    if let Some(fault) = fault {
                        self.summary.add_fault(input, &fault);
                        fault.print();
                        if self.arguments.on_error == ErrorChoice::Stop {
                            return Ok(());
                        }
                    }
                }
            }
        }
        assert!(inputs_left == 0, "invariant: the reading thread ends every input that it begins");
        Ok(())
    }

    /// Posts a page; true if nothing may be submitted after it.
    fn take(&mut self, input: usize, format: Format, mut page: Box<Page>) -> Result<bool, EngineError> {
        let Some(engine) = self.engine else { return Ok(true) };
        let stops = self.arguments.on_error == ErrorChoice::Stop;
        if stops && let Some(refused) = page.refused.iter().map(|fault| fault.row).min() {
            cut_at(&mut page, refused);
        }
        resolve(engine, self.arguments.open_accounts, format, &mut page)?;
        if stops && let Some(refused) = page.refused.iter().map(|fault| fault.row).min() {
            cut_at(&mut page, refused);
        }
        page.charges.append = self.arguments.append;
        page.charges.reading = input as u64 + 1;
        if stops {
            let report = engine.post(&page.charges, OnError::Stop)?;
            // An exception comes before the row that the reader refused, if there is one: that was not reached.
            if !report.items.is_empty() {
                page.refused.clear();
            }
            let exception = report.items.first().map(|item| page.rows[item.index as usize]);
            let stopped_at = exception.or_else(|| page.refused.first().map(|fault| fault.row));
            self.settled(input, page, &report);
            if let Some(row) = stopped_at {
                self.summary.stopped(input, row);
                self.progress.ended(self.summary.rows());
            }
            return Ok(stopped_at.is_some());
        }
        let pending = engine.submit(&page.charges)?;
        self.in_flight.push_back(InFlight { input, page, pending });
        if self.in_flight.len() > PAGES_IN_FLIGHT {
            self.settle_one()?;
        }
        Ok(false)
    }

    fn settle_all(&mut self) -> Result<(), EngineError> {
        while !self.in_flight.is_empty() {
            self.settle_one()?;
        }
        Ok(())
    }

    /// Waits until the oldest page is durable.
    fn settle_one(&mut self) -> Result<(), EngineError> {
        if let Some(InFlight { input, page, pending }) = self.in_flight.pop_front() {
            let report = pending.wait(&page.charges)?;
            self.settled(input, page, &report);
        }
        Ok(())
    }

    fn settled(&mut self, input: usize, page: Box<Page>, report: &PostReport) {
        self.summary.add(input, &page, report);
        self.progress.durable(self.summary.rows(), self.pages.bytes());
        self.pages.recycle(page);
    }
}

/// Opens the accounts that are not known yet, and withholds the charges that have no certain account: a CSV row
/// names its payer, and `a` + `b/c`, `a/b` + `c` and an account `a/b/c` compose alike (rule A4).
pub(super) fn resolve(
    engine: &Engine,
    opens: bool,
    format: Format,
    page: &mut Page,
) -> Result<(), EngineError> {
    let composed = format.composes_cloud_accounts();
    if !composed && !opens {
        return Ok(());
    }
    let mut withheld: Vec<(usize, &'static str, String)> = Vec::new();
    let mut pairs: Vec<(String, String, Currency)> = Vec::new();
    // Which pair a charge waits for.
    let mut waiting: Vec<(usize, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut last = ("", "");
    for (index, known) in engine.cloud_accounts(&page.charges).into_iter().enumerate() {
        if known.is_some() && !composed {
            continue;
        }
        let opening = page.opening(index);
        let (cloud, billing) = (opening.cloud_account, opening.billing_account);
        if last == (cloud, billing) {
            continue;
        }
        let payer = match known {
            Some(known) => {
                if engine.is_first_payer(known, billing) || engine.pays_ever(cloud, billing) {
                    last = (cloud, billing);
                    continue;
                }
                Cow::Owned(engine.first_payer(cloud).unwrap_or_default())
            }
            None if !opens => continue,
            None => {
                if let Some(place) = places.get(cloud) {
                    waiting.push((index, *place));
                    Cow::Borrowed(pairs[*place].1.as_str())
                } else if let Some(currency) = Currency::parse(opening.currency) {
                    places.insert(cloud, pairs.len());
                    waiting.push((index, pairs.len()));
                    pairs.push((cloud.to_owned(), billing.to_owned(), currency));
                    continue;
                } else {
                    let detail = format!(
                        "`{}`: the currency of an account that is to be opened has 1 to 8 upper-case letters or digits",
                        opening.currency
                    );
                    withheld.push((index, code::INVALID_CURRENCY, detail));
                    continue;
                }
            }
        };
        if composed && payer != billing {
            let detail = format!(
                "`{cloud}` is a cloud account of `{payer}`, and the row's billing account `{billing}` never paid for \
                 it: make it the payer with set_payer, or post the row as NDJSON under another cloud account"
            );
            waiting.pop_if(|(waiting, _)| *waiting == index);
            withheld.push((index, code::AMBIGUOUS_CLOUD_ACCOUNT, detail));
        }
    }
    if !pairs.is_empty() {
        let results = engine.open_accounts(&pairs)?;
        for (index, place) in waiting {
            if let Err(refusal) = results[place] {
                let (cloud, billing, _) = &pairs[place];
                let detail =
                    format!("cannot open `{cloud}` for billing account `{billing}`: {}", refusal.hint());
                withheld.push((index, refusal.code(), detail));
            }
        }
    }
    withhold(page, withheld);
    Ok(())
}

/// Leaves only what comes before `row`, and the refusal of `row` itself.
fn cut_at(page: &mut Page, row: u64) {
    let before = page.rows.partition_point(|charge| *charge < row);
    keep(page, |index| index < before);
    page.refused.retain(|fault| fault.row <= row);
    page.notes.retain(|note| note.row <= row);
}

/// Takes charges out of the page and refuses their rows.
pub(super) fn withhold(page: &mut Page, mut withheld: Vec<(usize, &'static str, String)>) {
    if withheld.is_empty() {
        return;
    }
    let indexes: Vec<_> = {
        withheld.sort_unstable_by_key(|(index, ..)| *index);
        withheld.iter().map(|(index, ..)| *index).collect()
    };
    let rows = &page.rows;
    let faults =
        withheld.into_iter().map(|(index, code, detail)| RowFault { row: rows[index], code, detail });
    page.refused.extend(faults);
    keep(page, |index| indexes.binary_search(&index).is_err());
}

/// Keeps some charges of a page, by their places. Whom the others belong to is forgotten.
fn keep(page: &mut Page, kept: impl Fn(usize) -> bool) {
    let mut charges = ChargeBatch::with_capacity(page.charges.len());
    let mut rows = Vec::with_capacity(page.rows.len());
    for (index, (charge, row)) in page.charges.iter().zip(&page.rows).enumerate() {
        if kept(index) {
            charges.push(&charge);
            rows.push(*row);
        }
    }
    page.charges = charges;
    page.rows = rows;
}
